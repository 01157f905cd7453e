"""Keeping a process alive, and ending it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from bot.demo.keeping import CannotStart, Keeper
from bot.demo.process import Child, python

PATIENCE = 30.0
#: says hello and waits for whatever comes
PATIENT = "import signal; print('up', flush=True); signal.pause()"
#: the same, and deaf to a polite request
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT}"


class Kept:
    """A small program that is kept alive, and what is said of it."""

    def __init__(self, folder: Path, program: str) -> None:
        self.child = Child("the bot", [sys.executable, "-c", program], folder / "log", talks=True)
        self.keeper = Keeper(self.child, self.attend, self.say, pauses=(0.001,))
        self.lives: asyncio.Queue[int] = asyncio.Queue()
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    async def attend(self, process: Process) -> None:
        assert process.stdout is not None
        if await process.stdout.readline():
            self.lives.put_nowait(process.pid)
        await process.stdout.read()

    async def life(self) -> int:
        """The process, once it is up."""
        return await asyncio.wait_for(self.lives.get(), PATIENCE)


async def test_a_process_that_is_killed_is_started_again_and_said_so(tmp_path: Path) -> None:
    kept = Kept(tmp_path, PATIENT)
    running = asyncio.create_task(kept.keeper.run())

    os.kill(await kept.life(), signal.SIGKILL)
    again = await kept.life()
    await kept.keeper.stop(PATIENCE)
    await asyncio.wait_for(running, PATIENCE)

    assert kept.said == [
        f"the bot had ended (killed by signal 9) and is started again (process {again})"
    ]


async def test_it_may_be_killed_any_number_of_times_once_it_was_in_the_room(tmp_path: Path) -> None:
    kept = Kept(tmp_path, PATIENT)
    kept.keeper.arrived.set()
    running = asyncio.create_task(kept.keeper.run())

    for _ in range(6):
        os.kill(await kept.life(), signal.SIGKILL)
    await kept.life()
    await kept.keeper.stop(PATIENCE)
    await asyncio.wait_for(running, PATIENCE)

    assert len(kept.said) == 6


async def test_a_process_that_cannot_start_is_given_up(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "raise SystemExit('broken')")

    with pytest.raises(CannotStart, match="exit code 1") as caught:
        await asyncio.wait_for(kept.keeper.run(), PATIENCE)

    assert "broken" in caught.value.hint


async def test_a_process_that_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    kept = Kept(tmp_path, STUBBORN)
    running = asyncio.create_task(kept.keeper.run())
    await kept.life()

    await kept.keeper.stop(0.01)
    await asyncio.wait_for(running, PATIENCE)

    assert kept.child.end() == "killed by signal 9"


async def test_what_a_process_left_in_its_group_ends_with_it(tmp_path: Path) -> None:
    program = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).wait()"
    )
    kept = Kept(tmp_path, program)
    running = asyncio.create_task(kept.keeper.run())
    await kept.life()

    await kept.keeper.stop(PATIENCE)

    # the grandchild held the other end of the pipe: reading ends when it does
    await asyncio.wait_for(running, PATIENCE)


async def test_stopping_what_never_started_is_nothing(tmp_path: Path) -> None:
    await Kept(tmp_path, PATIENT).keeper.stop(PATIENCE)


async def test_the_current_folder_hides_no_module_of_the_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    child = Child("the bot", python("-m", "bot", "--version"), tmp_path / "log")

    process = await child.start()

    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
