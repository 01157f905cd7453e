"""Runs the constant scripts for real, in a folder of the test, with each shell that there is."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.devices.session import Call, Output, T

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
PATIENCE = 30


class Shell:
    """A session whose host is this machine and whose home is a folder."""

    def __init__(self, home: Path, programs: Path) -> None:
        self.home = home
        #: holds the shell under test under the name `sh`
        self._path = f"{programs}:{os.environ['PATH']}"

    def start(self, call: Call[T]) -> subprocess.Popen[str]:
        """Start *call* as the leader of a process group, as sshd does."""
        return subprocess.Popen(
            call.words,
            cwd=self.home,
            env={**os.environ, "PATH": self._path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> Output:
        stdout, stderr = process.communicate(timeout=PATIENCE)
        return Output(stdout, stderr, process.returncode)

    def ask(self, call: Call[T]) -> T:
        return call.parse(self.finish(self.start(call)))

    async def run(self, call: Call[T]) -> T:
        return self.ask(call)

    async def close(self) -> None:
        """There is no wire to close."""


class Gate:
    """Holds a command back, or hears from it: a named pipe, so that no test has to sleep."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path

    def open(self) -> None:
        """Let the command go on that reads a line here."""
        self.path.write_text("go\n")

    def hear(self) -> str:
        """Wait for a line that the command writes here."""
        return self.path.read_text().strip()


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    home, programs = tmp_path / "home", tmp_path / "bin"
    home.mkdir()
    programs.mkdir()
    (programs / "sh").symlink_to(shutil.which(request.param) or "")
    yield Shell(home, programs)
    end_everything_in(home)


def end_everything_in(home: Path) -> None:
    """Kill the detached commands that a failed test left waiting."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and (folder / "cwd").readlink() == home:
                os.kill(int(folder.name), signal.SIGKILL)
