"""The telnet session against a real server with an array's bad habits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bot.devices.dialogue import command_line
from bot.devices.session import Call, Output
from bot.devices.telnet import SET_UP
from bot.errors import BotError, DeviceError, OutcomeUnknown, Unreachable
from tests.devices.telnet_array import PASSWORD, TelnetArray, telnet_array, xml

SETTINGS = [command_line(words) for words in SET_UP]


def stdout(output: Output) -> str:
    return output.stdout


def read(line: str, timeout: float | None = None) -> Call[str]:
    return Call(tuple(line.split()), stdout, timeout=timeout)


def change(line: str, timeout: float | None = None) -> Call[str]:
    return Call(tuple(line.split()), stdout, changes=True, timeout=timeout)


@pytest.fixture
async def array() -> AsyncIterator[TelnetArray]:
    async with telnet_array() as array:
        yield array


async def test_it_logs_in_once_sets_the_session_up_and_logs_out(array: TelnetArray) -> None:
    session = array.session()

    first = await session.run(read("show volumes"))
    await session.run(read("show system"))
    await session.close()
    await asyncio.wait_for(array.left.wait(), 20)

    assert first == xml("show volumes").decode()
    assert array.lines == [*SETTINGS, "show volumes", "show system", "exit"]
    assert array.logins == 1


async def test_a_name_with_a_blank_stays_one_word(array: TelnetArray) -> None:
    session = array.session()

    await session.run(Call(("show", "volumes", "two words"), stdout))
    await session.close()

    assert 'show volumes "two words"' in array.lines


async def test_calls_at_once_take_turns(array: TelnetArray) -> None:
    session = array.session()
    names = [f"v{number}" for number in range(10)]

    answers = await asyncio.gather(*(session.run(read(f"show volumes {name}")) for name in names))
    await session.close()

    for name, answer in zip(names, answers, strict=True):
        assert f'REQUEST="show volumes {name}"' in answer
    assert array.logins == 1


async def test_stray_backspaces_before_the_echo_do_no_harm(array: TelnetArray) -> None:
    array.noise = b"x\b \b\b"
    session = array.session()

    assert await session.run(read("show volumes")) == xml("show volumes").decode()
    await session.close()


async def test_a_prompt_inside_data_does_not_end_the_reply(array: TelnetArray) -> None:
    row = '<OBJECT basetype="volumes"><PROPERTY name="note">a\r\n# </PROPERTY></OBJECT>'
    whole = xml("show volumes", row)
    end = whole.index(b"# ") + 2
    array.replies["show volumes"] = (whole[:end], whole[end:])
    session = array.session()

    assert await session.run(read("show volumes")) == whole.decode()
    await session.close()


async def test_pages_are_turned(array: TelnetArray) -> None:
    whole = xml("show volumes", "<OBJECT basetype='a'/>\r\n<OBJECT basetype='b'/>")
    cut = whole.index(b"\r\n<OBJECT basetype='b'")
    array.replies["show volumes"] = (whole[:cut], whole[cut:])
    array.habits["show volumes"] = "pager"
    session = array.session()

    answer = await session.run(read("show volumes"))
    await session.close()

    assert array.keys == b"  "
    assert "Press any key" not in answer
    assert answer.split() == whole.decode().split()


async def test_a_question_is_answered_no_and_told(array: TelnetArray) -> None:
    array.habits["delete volumes vm"] = "question"
    session = array.session()

    with pytest.raises(DeviceError, match=r"answered no: All data will be lost.*\(y/n\)"):
        await session.run(change("delete volumes vm"))

    assert array.keys == b"n"
    assert await session.run(read("show system")) == xml("show system").decode()
    assert array.logins == 1
    await session.close()


async def test_text_that_is_no_xml_is_handed_over_without_its_echo(array: TelnetArray) -> None:
    array.replies["frob"] = b"% Unrecognized command found at '^' position."
    session = array.session()

    assert await session.run(read("frob")) == "% Unrecognized command found at '^' position."
    await session.close()


def everything_but_the_server(caplog: pytest.LogCaptureFixture) -> None:
    """The server of the test has its reasons to log what it receives."""
    caplog.set_level(logging.WARNING, "telnetlib3.server_base")
    caplog.set_level(1)


async def test_a_wrong_password_is_told_once_without_the_password(
    array: TelnetArray, caplog: pytest.LogCaptureFixture
) -> None:
    everything_but_the_server(caplog)

    with pytest.raises(Unreachable, match="nols refuses the login of manage") as caught:
        await array.session(password="wr0ng").run(read("show volumes"))

    assert "wr0ng" not in str(caught.value)
    assert "wr0ng" not in caplog.text
    assert array.lines == []


async def test_the_password_is_in_no_log_at_any_level(
    array: TelnetArray, caplog: pytest.LogCaptureFixture
) -> None:
    everything_but_the_server(caplog)
    session = array.session()

    await session.run(read("show volumes"))
    await session.close()

    assert "show volumes" in caplog.text
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(session)


@pytest.mark.parametrize("greets", [True, False])
async def test_a_silent_array_is_unreachable(array: TelnetArray, greets: bool) -> None:
    """Silent from the start, or right after the login."""
    array.greets = greets
    array.habits[SETTINGS[0]] = "silent"

    with pytest.raises(Unreachable, match=r"did not come to its prompt within 0\.5 s"):
        await array.session(connect_timeout=0.5).run(change("show volumes"))
    assert "show volumes" not in array.lines


async def test_a_refused_connection_is_unreachable(array: TelnetArray) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    array.port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    with pytest.raises(Unreachable, match="refuses telnet connections"):
        await array.session().run(read("show volumes"))


@pytest.mark.parametrize(
    ("call", "kind"),
    [(read("show x", 0.3), Unreachable), (change("set x", 0.3), OutcomeUnknown)],
)
async def test_silence_after_a_line_was_sent_is_unknown_for_a_change_only(
    array: TelnetArray, call: Call[str], kind: type[BotError]
) -> None:
    line = " ".join(call.words)
    array.habits[line] = "silent"
    session = array.session()

    with pytest.raises(kind, match=r"within 0\.3 s"):
        await session.run(call)

    assert array.lines.count(line) == 1
    assert await session.run(read("show system")) == xml("show system").decode()
    assert array.logins == 2
    await session.close()


async def test_a_read_that_is_cut_is_repeated_once_and_a_change_never(array: TelnetArray) -> None:
    array.habits = {"show x": "cut", "set x": "cut"}
    session = array.session()

    with pytest.raises(Unreachable):
        await session.run(read("show x"))
    with pytest.raises(OutcomeUnknown):
        await session.run(change("set x"))

    assert array.lines.count("show x") == 2
    assert array.lines.count("set x") == 1
    await session.close()


async def test_a_session_that_the_array_closed_meanwhile_is_opened_again(
    array: TelnetArray,
) -> None:
    """As after its idle time: the change was not sent before, so it is sent now."""
    session = array.session()
    await session.run(read("show system"))

    array.hang_up()
    reader, writer = await asyncio.open_connection("127.0.0.1", array.port)
    await reader.readuntil(b"login: ")  # by then the end of the idle session has arrived too
    writer.close()
    await session.run(change("set x"))

    assert array.lines.count("set x") == 1
    assert array.logins == 2
    await session.close()


async def test_a_reply_without_end_is_an_error_and_the_session_starts_anew(
    array: TelnetArray,
) -> None:
    array.habits["show x"] = "flood"
    session = array.session()

    with pytest.raises(DeviceError, match="too much"):
        await session.run(read("show x"))

    assert await session.run(read("show system")) == xml("show system").decode()
    assert array.logins == 2
    await session.close()


async def test_a_cancelled_call_does_not_leave_its_reply_to_the_next(array: TelnetArray) -> None:
    array.habits["show x"] = "silent"
    session = array.session()
    await session.run(read("show system"))
    array.taken_in.clear()
    task = asyncio.ensure_future(session.run(read("show x")))
    await asyncio.wait_for(array.taken_in.wait(), 20)

    task.cancel()
    await asyncio.wait([task])

    assert 'REQUEST="show volumes"' in await session.run(read("show volumes"))
    await session.close()
