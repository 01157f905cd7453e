"""`nounou chat` as a person runs it on the bot's host, with whole bots and the lab."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.unix import address_of
from tests.e2e.house import arriving, homes, traces
from tests.e2e.house_room import PATIENCE
from tests.e2e.night import CHAT, ME, ROOT, NightHouse, finish

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NightHouse]:
    """A bot that has a local chat beside the room of the test."""
    house = NightHouse(tmp_path_factory.mktemp("local"))
    await house.open()
    yield house
    await house.close()


async def test_each_line_is_answered_in_turn_and_the_exit_status_says_how(
    house: NightHouse,
) -> None:
    ended = await house.chat("!ping\n# a comment\n!domu list\n")

    assert ended.err == ""
    assert ended.status == 0
    assert ended.out.index("pong") < ended.out.index("redisdead")

    failed = await house.chat("!no such command\n!ping\n")

    assert failed.status == 1
    assert "pong" in failed.out


async def test_it_is_recorded_as_local_with_the_os_user(house: NightHouse) -> None:
    await house.chat("!ping\n")

    (row,) = house.query("SELECT * FROM jobs ORDER BY id DESC LIMIT 1")
    asked = [
        json.loads(entry["data"])
        for entry in house.query("SELECT data FROM audit WHERE kind = 'asked'")
    ]
    mine = [entry for entry in asked if entry["job"] == row["id"]]
    assert (row["person"], row["sender"], row["proof"]) == ("nounou", f"local:{ME}", "local")
    assert (mine[0]["sender"], mine[0]["via"]) == (f"local:{ME}", "local")
    assert house.verify().ok


async def test_two_clients_at_once_get_their_own_answers(house: NightHouse) -> None:
    (home,) = homes(await house.world(), "vm")
    there = "fz" if home == "fy" else "fy"

    moved, pinged = await asyncio.gather(
        house.chat(f"!migrate vm {there}\n"), house.chat("!ping\n" * 5)
    )

    assert (moved.status, pinged.status) == (0, 0)
    assert f"vm runs on {there}, and only there" in moved.out
    assert "pong" not in moved.out
    assert pinged.out.count("pong") == 5
    assert "vm runs on" not in pinged.out


async def test_a_bot_that_is_killed_in_mid_move_gives_its_final_answer_once(
    house: NightHouse,
) -> None:
    (home,) = homes(await house.world(), "vm")
    there = "fz" if home == "fy" else "fy"
    chatting = asyncio.create_task(house.chat(f"!migrate vm {there}\n"))

    await house.until_world(lambda world: arriving(world, "vm"))
    await house.restart_bot()
    ended = await chatting

    assert ended.status == 0
    assert ended.out.count(f"vm runs on {there}, and only there") == 1
    assert "The bot is gone; waiting until it is back." in ended.err
    assert traces(await house.world(), "vm") == [f"{there}/vm"]


async def test_hostile_clients_do_no_harm(house: NightHouse) -> None:
    writers = []
    for junk in (b"\x00" * 2**20, b"[" * 2**18 + b"\n", b"{}\n", b'{"type": "hello", "seen"', b""):
        with address_of(house.socket) as address:
            _reader, writer = await asyncio.open_unix_connection(address)
        writer.write(junk)
        writers.append(writer)

    # the last two are silent and may stay for a while
    ended = await house.chat("!ping\n")

    assert ended.status == 0
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_person_at_a_terminal_has_a_prompt(house: NightHouse) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *CHAT,
        str(house.folder.config),
        stdin=theirs,
        stdout=theirs,
        stderr=DEVNULL,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "XDG_STATE_HOME": str(house.path / "home")},
        start_new_session=True,
    )
    os.close(theirs)
    screen = Screen(ours)
    try:
        await screen.shows("You are nounou.")
        screen.type("!ping\r")
        await screen.shows("pong")
        screen.type("hello\r")
        await screen.shows("this is no command")
        # between two prompts the terminal itself would take the key
        await screen.shows("nounou>", after="this is no command")
        screen.type("\x04")
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    finally:
        screen.close()
        with suppress(ProcessLookupError):
            process.kill()
    history = house.path / "home" / "nounou" / "chat-history"
    assert "!ping" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


class Screen:
    """What a terminal shows, as long as the test looks at it."""

    def __init__(self, tty: int) -> None:
        self._tty = tty
        self._seen = b""
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(tty, self._read)

    def type(self, text: str) -> None:
        os.write(self._tty, text.encode())

    async def shows(self, text: str, after: str = "") -> None:
        """Return once it has shown *text*, behind the last *after*."""
        async with asyncio.timeout(PATIENCE):
            while text.encode() not in self._seen.rpartition(after.encode() or b"\0")[2]:
                await self._changed.wait()
                self._changed.clear()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._tty)
        os.close(self._tty)

    def _read(self) -> None:
        try:
            self._seen += os.read(self._tty, 65536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._tty)
        self._changed.set()


async def test_without_a_bot_it_is_one_sentence_and_2(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *CHAT,
        "--socket",
        str(tmp_path / "chat.sock"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    ended = await finish(process, "!ping\n")

    assert ended.status == 2
    assert ended.err == (
        f"nounou: no bot answers at {tmp_path}/chat.sock "
        "(start it, or name another place with --socket)\n"
    )


async def test_a_bot_whose_socket_cannot_be_made_says_so_and_ends(house: NightHouse) -> None:
    def elsewhere(config: dict[str, Any]) -> None:
        config["state"] = str(house.path / "other")
        config["local"] = {"socket": str(house.path / "missing" / "chat.sock")}

    await house.stop_bot()
    house.configure(elsewhere)
    process = await house.start_bot_anyhow()
    async with asyncio.timeout(PATIENCE):
        status = await process.wait()
    log = house.bot_log
    house.configure()
    await house.start_bot()

    assert status == 2
    assert "missing/chat.sock (No such file or directory) (local.socket needs a folder" in log


async def test_an_os_user_of_no_member_is_refused(
    house: NightHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = NightHouse(tmp_path_factory.mktemp("stranger"), known=False)
    await stranger.open()
    try:
        ended = await stranger.chat("!migrate vm fz\n")

        assert ended.status == 2
        assert ended.err == f"nounou: No member in the configuration has the Unix user {ME}.\n"
        assert stranger.query("SELECT * FROM jobs") == []
        await stranger.room.until(lambda: stranger.room.posts)
        assert f"The Unix user {ME} of my host tried" in stranger.room.posts[0].plain
    finally:
        await stranger.close()
