"""The ssh session against a real server: what it sends, how often, and what it says went wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.devices import ssh
from bot.devices.session import Call, Output, Visit
from bot.devices.ssh import CHANNELS
from bot.errors import DeviceError, OutcomeUnknown, Unreachable
from tests.devices.ssh_host import Relay, SshHost, ssh_host, trust


def whole(output: Output) -> Output:
    return output


def read(*words: str, timeout: float | None = None) -> Call[Output]:
    return Call(words, whole, timeout=timeout)


def change(*words: str, timeout: float | None = None) -> Call[Output]:
    return Call(words, whole, changes=True, timeout=timeout)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[SshHost]:
    async with ssh_host(tmp_path) as host:
        yield host


async def test_words_reach_the_host_as_one_quoted_line(host: SshHost) -> None:
    session = host.session()

    output = await session.run(read("say", "a b", "$(x)", "it's", ";"))

    assert output == Output("'a b' '$(x)' 'it'\"'\"'s' ';'", "", 0)
    await session.close()


async def test_an_exit_code_and_the_error_stream_are_kept_apart(host: SshHost) -> None:
    session = host.session()

    assert await session.run(read("fail")) == Output("", "no such thing\n", 3)
    assert (await session.run(read("killed"))).exit == 255
    await session.close()


async def test_bytes_that_are_no_text_are_replaced(host: SshHost) -> None:
    session = host.session()

    assert (await session.run(read("bytes"))).stdout == "a\ufffd\ufffdb"
    await session.close()


async def test_what_the_parser_says_is_what_the_caller_gets(host: SshHost) -> None:
    def refuse(output: Output) -> None:
        raise DeviceError(f"not {output.stdout}")

    session = host.session()

    with pytest.raises(DeviceError, match="not good"):
        await session.run(Call(("say", "good"), refuse))
    await session.close()


async def test_many_calls_share_one_connection_a_few_at_a_time(host: SshHost) -> None:
    session = host.session()

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(session.run(read("wait")))
        await asyncio.wait_for(host.crowded.wait(), 20)
        host.gate.set()

    assert host.connections == 1
    assert host.most_running == CHANNELS
    await session.close()


async def test_a_closed_session_opens_again(host: SshHost) -> None:
    session = host.session()
    await session.run(read("say", "1"))

    await session.close()
    await session.close()

    assert (await session.run(read("say", "2"))).stdout == "2"
    assert host.connections == 2
    await session.close()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"known_hosts": "wrong_hosts"}, "a host key that is not in its known_hosts file"),
        ({"known_hosts": "no_hosts"}, "a host key that is not in its known_hosts file"),
        ({"known_hosts": "missing"}, "The known_hosts file for fy cannot be read"),
        ({"key_file": "other_id"}, "does not accept the bot's ssh key for nounou"),
        ({"key_file": "missing"}, "The ssh key file for fy cannot be read"),
        ({"key_file": "known_hosts"}, "The ssh key file for fy cannot be read"),
    ],
)
async def test_wrong_keys_are_told_apart_and_nothing_is_sent(
    host: SshHost, options: dict[str, str], sentence: str
) -> None:
    session = host.session(
        key_file=options.get("key_file", "id"),
        known_hosts=options.get("known_hosts", "known_hosts"),
    )

    with pytest.raises(Unreachable, match=sentence):
        await session.run(change("say", "x"))
    assert host.commands == []


async def test_a_refused_connection_is_unreachable(host: SshHost) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    with pytest.raises(Unreachable, match="refuses connections"):
        await host.session(port=port).run(change("say", "x"))


async def test_a_host_that_never_greets_is_unreachable_and_tried_once_for_all_who_wait(
    host: SshHost,
) -> None:
    greeted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(
        lambda _reader, writer: greeted.append(writer), "127.0.0.1", 0
    )
    session = host.session(port=server.sockets[0].getsockname()[1], connect_timeout=0.3)

    outcomes = await asyncio.gather(
        *(session.run(change("say", "x")) for _ in range(5)), return_exceptions=True
    )

    assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
    assert "did not answer at 127.0.0.1" in str(outcomes[0])
    assert len(greeted) == 1
    greeted[0].close()
    server.close()
    await server.wait_closed()


async def test_a_read_whose_connection_is_lost_is_repeated_once(host: SshHost) -> None:
    session = host.session()

    assert (await session.run(read("once-cut"))).stdout == "second time"
    assert host.commands == ["once-cut", "once-cut"]
    assert host.connections == 2
    await session.close()


async def test_a_read_that_is_lost_twice_is_unreachable(host: SshHost) -> None:
    session = host.session()

    with pytest.raises(Unreachable, match="broke before it answered"):
        await session.run(read("cut"))
    assert host.commands == ["cut", "cut"]
    await session.close()


@pytest.mark.parametrize("verb", ["cut", "mute"])
async def test_a_change_whose_link_is_lost_is_unknown_and_never_sent_twice(
    host: SshHost, verb: str
) -> None:
    session = host.session()
    await session.run(read("say", "warm"))

    with pytest.raises(OutcomeUnknown, match="may have been made"):
        await session.run(change(verb))
    assert host.commands.count(verb) == 1
    await session.close()


async def test_a_change_is_sent_over_a_new_connection_where_the_old_one_was_dead_before_it(
    host: SshHost,
) -> None:
    session = host.session()
    with pytest.raises(Unreachable):
        await session.run(read("cut"))

    assert (await session.run(change("say", "x"))).stdout == "x"
    assert host.commands.count("say x") == 1
    await session.close()


async def test_a_change_that_hangs_is_unknown_and_a_read_that_hangs_is_unreachable(
    host: SshHost,
) -> None:
    session = host.session()

    with pytest.raises(OutcomeUnknown, match=r"did not confirm a change within 0\.3 s"):
        await session.run(change("hang", timeout=0.3))
    await asyncio.wait_for(host.idle.wait(), 20)
    with pytest.raises(Unreachable, match=r"did not answer within 0\.3 s"):
        await session.run(read("hang", timeout=0.3))

    assert host.commands == ["hang", "hang"]
    assert (await session.run(read("say", "well"))).stdout == "well"
    assert host.connections == 1
    await session.close()


async def test_a_host_that_falls_silent_is_noticed_before_the_time_out(
    host: SshHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "KEEPALIVE_SECONDS", 0.1)
    async with Relay(host.port).listening() as relay:
        trust(host.folder, relay.port)
        session = host.session(port=relay.port, command_timeout=50)
        async with asyncio.TaskGroup() as group:
            hanging = group.create_task(_outcome(session, change("hang")))
            await asyncio.wait_for(host.hanging.wait(), 20)
            relay.freeze()

        assert isinstance(hanging.result(), OutcomeUnknown)
        assert "link to fy broke" in str(hanging.result())
        await session.close()


async def _outcome(session: ssh.SshSession, call: Call[Output]) -> object:
    try:
        return await session.run(call)
    except OutcomeUnknown as error:
        return error


async def test_an_answer_without_end_is_an_error_and_a_change_with_one_is_unknown(
    host: SshHost,
) -> None:
    session = host.session()

    with pytest.raises(DeviceError, match="too much"):
        await session.run(read("flood"))
    with pytest.raises(OutcomeUnknown, match="too much"):
        await session.run(change("flood"))
    await session.close()


async def test_a_word_that_no_line_can_carry_is_refused_before_anything_is_sent(
    host: SshHost,
) -> None:
    for word in ("a\0b", "a\ud800b"):
        with pytest.raises(DeviceError, match="nothing was sent"):
            await host.session().run(change("say", word))
    assert host.connections == 0


async def test_a_cancelled_call_leaves_the_session_usable(host: SshHost) -> None:
    session = host.session()
    task = asyncio.ensure_future(session.run(change("hang")))
    await asyncio.wait_for(host.hanging.wait(), 20)

    task.cancel()
    await asyncio.wait([task])

    assert (await session.run(read("say", "x"))).stdout == "x"
    await session.close()


async def test_no_key_is_written_to_the_log(
    host: SshHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    session = host.session()

    await session.run(read("say", "x"))
    await session.close()

    assert "PRIVATE KEY" not in caplog.text


def visit(*keys: bytes, **more: Any) -> Call[Output]:
    """A visit to a console of the server, which types *keys*."""
    return Call(
        ("console",),
        whole,
        changes=bool(keys),
        visit=Visit(b"\x1d", keys, quiet=0.2, longest=2.0, **more),
    )


async def test_a_visit_gets_a_terminal_looks_and_leaves_by_one_lone_byte(host: SshHost) -> None:
    session = host.session()

    output = await session.run(visit())

    assert output == Output("vm login: ", "", 0, typed=0)
    assert (host.typed, host.terminals) == ([b"\x1d"], ["vt100"])
    await session.close()


async def test_each_key_is_typed_by_itself_and_the_last_byte_too(host: SshHost) -> None:
    session = host.session()

    output = await session.run(visit(b"root\r", b"\r"))

    assert host.typed == [b"root\r", b"\r", b"\x1d"]
    assert output == Output("vm login: root\r\r", "", 0, typed=2)
    await session.close()


async def test_nothing_is_typed_where_what_is_shown_speaks_against_it(host: SshHost) -> None:
    session, seen = host.session(), list[str]()

    def may_type(shown: str) -> bool:
        seen.append(shown)
        return False

    output = await session.run(visit(b"\r", may_type=may_type))

    assert (output.typed, host.typed, seen) == (0, [b"\x1d"], ["vm login: "])
    await session.close()


async def test_a_link_that_breaks_after_a_key_leaves_the_outcome_unknown(host: SshHost) -> None:
    session = host.session()

    with pytest.raises(OutcomeUnknown):
        await session.run(visit(b"cut"))
    assert host.typed == [b"cut"]


async def test_a_visit_that_is_given_up_leaves_as_well(host: SshHost) -> None:
    session = host.session()
    going = asyncio.create_task(session.run(replace(visit(), visit=Visit(b"\x1d", longest=20.0))))
    await asyncio.wait_for(host.attached.wait(), 20)

    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    await asyncio.wait_for(host.idle.wait(), 20)

    assert host.typed == [b"\x1d"]
    await session.close()


async def test_of_an_answer_without_end_the_last_bytes_are_enough(host: SshHost) -> None:
    session = host.session()

    output = await session.run(replace(read("flood"), last=10))

    assert output.stdout == "x" * 10
    await session.close()
