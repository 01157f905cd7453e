"""The shell session against a real server: what it types, what it reads, what it says is wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.devices.lights_out.ilo import LEAVE
from bot.devices.session import Call, Output, Visit
from bot.errors import DeviceError, OutcomeUnknown, Unreachable
from tests.devices.ilo_screens import GENERATIONS, screens
from tests.devices.ilo_server import ONLY_OLD, PASSWORD, IloServer, ilo_server


def whole(output: Output) -> Output:
    return output


def read(*words: str, timeout: float | None = None, visit: Visit | None = None) -> Call[Output]:
    return Call(words, whole, timeout=timeout, visit=visit)


def change(*words: str, timeout: float | None = None, visit: Visit | None = None) -> Call[Output]:
    return Call(words, whole, changes=True, timeout=timeout, visit=visit)


def unix(text: str) -> str:
    return text.replace("\r\n", "\n")


@pytest.fixture
async def ilo(tmp_path: Path) -> AsyncIterator[IloServer]:
    async with ilo_server(tmp_path) as ilo:
        yield ilo


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_each_generation_is_read_from_prompt_to_prompt(
    tmp_path: Path, generation: str
) -> None:
    async with ilo_server(tmp_path, generation) as ilo:
        session = ilo.session()
        for line in filter(None, screens(generation).answers):
            if line == "vsp":
                ilo.replies["vsp"] = screens(generation)["vsp"]

            said = await session.run(read(*line.split()))

            assert said.stdout.strip() == unix(screens(generation)[line]).strip()
        await session.close()
        assert ilo.logins == 1


@pytest.mark.parametrize("key", ["ssh-rsa", "ssh-dss"])
async def test_old_algorithms_are_spoken_where_the_config_says_so(tmp_path: Path, key: str) -> None:
    async with ilo_server(tmp_path, "ilo2", key=key, **ONLY_OLD) as ilo:
        session = ilo.session(old_algorithms=True)

        assert "currently: On" in (await session.run(read("power"))).stdout
        await session.close()


async def test_old_algorithms_are_spoken_nowhere_else(tmp_path: Path) -> None:
    async with ilo_server(tmp_path, "ilo2", key="ssh-rsa", **ONLY_OLD) as ilo:
        with pytest.raises(Unreachable, match="no ssh algorithm in common") as error:
            await ilo.session().run(change("power", "on"))

        assert "old_algorithms: true" in error.value.hint
        assert not ilo.lines


async def test_a_key_opens_as_well_as_a_password(ilo: IloServer) -> None:
    session = ilo.session(password=None, key_file=ilo.folder / "id")

    assert "already on" in (await session.run(read("power", "on"))).stdout
    await session.close()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"known_hosts": "wrong_hosts"}, "a host key that is not in its known_hosts file"),
        ({"known_hosts": "missing"}, "The known_hosts file for fz-ilo cannot be read"),
        ({"password": "wrong"}, "fz-ilo refuses the login of nounou"),
        ({"password": None, "key_file": "missing"}, "The ssh key file for fz-ilo cannot be read"),
        ({"port": 1}, "fz-ilo refuses connections at 127.0.0.1:1"),
    ],
)
async def test_what_keeps_it_out_is_told_and_nothing_is_typed(
    ilo: IloServer, options: dict[str, str | None], sentence: str
) -> None:
    files = {
        name: ilo.folder / str(value)
        for name, value in options.items()
        if name in ("known_hosts", "key_file")
    }
    with pytest.raises(Unreachable, match=sentence):
        await ilo.session(**options | files).run(change("power", "on"))

    assert not ilo.lines


async def test_neither_errors_nor_logs_hold_the_password(
    ilo: IloServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    session = ilo.session()
    await session.run(read("power", "on"))
    await session.close()

    assert PASSWORD not in caplog.text


async def test_it_says_that_no_session_was_left(ilo: IloServer) -> None:
    ilo.full = 1

    with pytest.raises(Unreachable, match="closed the session before its prompt") as error:
        await ilo.session().run(read("power", "on"))

    assert "few sessions" in error.value.hint


async def test_pieces_blank_lines_and_a_split_prompt_make_one_answer(ilo: IloServer) -> None:
    ilo.replies["power"] = ("\r\n\r\n", "sta", "tus=0\r", "\n\r\n", "caf\u00e9", "\r\n\r\n</>hp")
    ilo.replies["next"] = "second"
    session = ilo.session()

    # the server goes on with a prompt of its own: the half one before it is data
    assert (await session.run(read("power"))).stdout.strip() == "status=0\n\ncaf\u00e9\n\n</>hp"
    assert (await session.run(read("next"))).stdout == "second"
    await session.close()


async def test_a_prompt_within_an_answer_does_not_end_it(ilo: IloServer) -> None:
    ilo.replies["show"] = ("before\r\n", "</>hpiLO-> ", "\r\nafter\r\n")
    session = ilo.session()

    assert "after" in (await session.run(read("show"))).stdout
    await session.close()


async def test_a_prompt_that_comes_twice_is_not_taken_for_the_next_answer(ilo: IloServer) -> None:
    ilo.replies["power"] = "status=0\r\n</>hpiLO-> \r\n"
    ilo.replies["next"] = "second\r\n"
    session = ilo.session()

    assert (await session.run(read("power"))).stdout.strip() == "status=0"
    assert (await session.run(read("next"))).stdout.strip() == "second"
    await session.close()


@pytest.mark.parametrize("word", ["a b", "", "a\rpower", "a\n", "\x1b(", "h\u00e9"])
async def test_a_word_that_cannot_stand_on_a_line_is_refused(ilo: IloServer, word: str) -> None:
    with pytest.raises(DeviceError, match="nothing was sent"):
        await ilo.session().run(change("show", word))

    assert not ilo.logins


async def test_calls_wait_for_one_another(ilo: IloServer) -> None:
    ilo.replies |= {f"say{number}": str(number) for number in range(5)}
    session = ilo.session()

    said = await asyncio.gather(*(session.run(read(f"say{number}")) for number in range(5)))

    assert [output.stdout for output in said] == list("01234")
    assert ilo.logins == 1
    await session.close()


async def test_a_read_that_lost_its_link_is_asked_again(ilo: IloServer) -> None:
    ilo.habits["power on"] = "cut first"
    session = ilo.session()

    assert "already on" in (await session.run(read("power", "on"))).stdout
    assert (ilo.lines, ilo.logins) == (["power on", "power on"], 2)
    await session.close()


async def test_a_change_that_lost_its_link_is_never_sent_again(ilo: IloServer) -> None:
    ilo.habits["power on"] = "cut"

    with pytest.raises(OutcomeUnknown, match="may have been made"):
        await ilo.session().run(change("power", "on"))

    assert ilo.lines == ["power on"]


async def test_a_link_that_was_lost_before_a_change_is_opened_again(ilo: IloServer) -> None:
    session = ilo.session()
    ilo.habits["power"] = "cut"
    with pytest.raises(Unreachable):
        await session.run(read("power"))

    await session.run(change("power", "on"))

    assert ilo.lines.count("power on") == 1
    await session.close()


async def test_silence_means_another_thing_for_a_read_than_for_a_change(ilo: IloServer) -> None:
    ilo.habits["power"] = "silent"
    session = ilo.session()

    with pytest.raises(Unreachable, match=r"did not answer within 0.2 s"):
        await session.run(read("power", timeout=0.2))
    with pytest.raises(OutcomeUnknown, match="did not confirm"):
        await session.run(change("power", timeout=0.2))

    assert ilo.lines == ["power", "power"]
    await session.close()


async def test_an_endless_answer_is_not_read_to_its_end(ilo: IloServer) -> None:
    ilo.habits["power"] = "flood"

    with pytest.raises(DeviceError, match="printed too much"):
        await ilo.session().run(read("power"))


async def test_it_logs_out_when_nobody_asked_for_a_while(ilo: IloServer) -> None:
    session = ilo.session(idle=0.01)

    await session.run(read("power", "on"))
    await asyncio.wait_for(ilo.left.wait(), 20)
    await session.run(read("power", "on"))

    assert ilo.lines[:2] == ["power on", "exit"]
    assert ilo.logins == 2
    await session.close()


VISIT = Visit(LEAVE, quiet=0.2, longest=2)


async def test_a_visit_looks_types_nothing_and_comes_back(ilo: IloServer) -> None:
    session = ilo.session()

    seen = await session.run(read("vsp", visit=VISIT))
    again = await session.run(read("power", "on"))

    assert seen.stdout.rstrip().endswith("fz login:")
    assert (ilo.typed, seen.typed) == (LEAVE, 0)
    assert "already on" in again.stdout
    assert ilo.logins == 1
    await session.close()


async def test_keys_are_typed_where_what_is_seen_allows_it(ilo: IloServer) -> None:
    session = ilo.session()
    visit = Visit(LEAVE, (b"a", b"\r"), lambda text: "login:" in text, quiet=0.2, longest=2)

    seen = await session.run(change("vsp", visit=visit))

    assert ilo.typed == b"a\r" + LEAVE
    assert seen.typed == 2
    assert "Password:" in seen.stdout
    await session.close()


async def test_keys_are_not_typed_where_it_does_not(ilo: IloServer) -> None:
    session = ilo.session()
    visit = Visit(LEAVE, (b"\r",), lambda text: "root@" in text, quiet=0.2, longest=2)

    assert (await session.run(change("vsp", visit=visit))).typed == 0
    assert ilo.typed == LEAVE
    await session.close()


async def test_a_port_that_shows_a_prompt_of_its_own_never_hears_a_later_line(
    ilo: IloServer,
) -> None:
    ilo.serial = "ssh other-ilo\r\n</>hpiLO-> "
    session = ilo.session()

    await session.run(read("vsp", visit=VISIT))
    await session.run(change("power", "on"))

    assert ilo.typed in (b"", LEAVE)
    assert ilo.lines == ["vsp", "power on"]
    assert ilo.logins == 2
    await session.close()


async def test_a_port_that_does_not_let_go_is_hung_up_on(ilo: IloServer) -> None:
    ilo.lets_go = False
    session = ilo.session()

    with pytest.raises(Unreachable, match="did not answer"):
        await session.run(read("vsp", visit=VISIT, timeout=1))
    await session.run(change("power", "on"))

    assert ilo.typed == LEAVE
    assert ilo.logins == 2
    await session.close()


async def test_a_busy_port_says_so_and_is_typed_nothing(tmp_path: Path) -> None:
    async with ilo_server(tmp_path, "ilo2") as ilo:
        ilo.replies["vsp"] = screens("ilo2")["vsp"]
        session = ilo.session()

        assert "in use by another" in (await session.run(read("vsp", visit=VISIT))).stdout
        assert ilo.lines == ["vsp"]
        await session.close()
