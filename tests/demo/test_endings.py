"""However a demonstration ends, no process of it is left."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PATIENCE = 30.0
#: runs the demonstration in the folder of its first word with the small programs
MAIN = f"""
import signal
import sys
from pathlib import Path
from bot.demo.run import Options, run
programs = ((sys.executable, {str(HERE / "fake_site.py")!r}),
            (sys.executable, {str(HERE / "fake_bot.py")!r}))
# whoever runs the tests with nohup(1) hands down that a hang-up is ignored
signal.signal(signal.SIGHUP, signal.SIG_DFL)
script = sys.argv[2] if len(sys.argv) > 2 else None
sys.exit(run(Options(terminal=True, state=Path(sys.argv[1]), script=script, programs=programs)))
"""


def processes(folder: Path) -> list[int]:
    """Every living process whose words name *folder*."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in words:
            found.append(int(process.name))
    return found


def eventually(holds: Callable[[], object], what: Callable[[], str]) -> None:
    """Poll until *holds*; fails with *what* was waited for, after a while."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"in vain: {what()}")
        os.sched_yield()


class Terminal:
    """A demonstration at whose terminal the test sits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours, theirs = pty.openpty()
        self.tty = ours
        self.demo = subprocess.Popen(
            [sys.executable, "-c", MAIN, str(folder)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(ours, False)
        self.screen = ""

    def shows(self, pattern: str) -> None:
        def look() -> bool:
            self.read()
            return re.search(pattern, self.screen, re.DOTALL) is not None

        eventually(look, lambda: f"{pattern} in {self.screen!r}")

    def read(self) -> None:
        """Take in what the screen shows, without colours and movements of the cursor."""
        with suppress(OSError):
            raw = os.read(self.tty, 65536).decode("utf-8", "replace")
            self.screen += re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", raw)

    def type(self, text: str) -> None:
        os.write(self.tty, text.encode())

    def ends(self) -> int:
        def ended() -> bool:
            self.read()
            return self.demo.poll() is not None

        eventually(ended, lambda: f"the end of the demonstration in {self.screen!r}")
        return self.demo.returncode

    def leaves_nothing(self) -> None:
        eventually(
            lambda: not processes(self.folder), lambda: f"the end of {processes(self.folder)}"
        )


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.demo.kill()
    terminal.demo.wait()
    os.close(terminal.tty)


def test_a_person_types_and_sees_the_answer(terminal: Terminal) -> None:
    terminal.shows("nounou>")

    terminal.type("!ping\r")
    terminal.shows("nounou: !ping.*bot: pong")
    terminal.type("/as stranger hello\r")
    terminal.shows("stranger: hello")
    terminal.type("/sign apprenti\r")
    terminal.shows("no device of apprenti is unsigned")
    terminal.type("/sign nobody\r")
    terminal.shows("write: /sign PERSON, where PERSON is one of nounou, nounou2, apprenti")
    terminal.type("/quit\r")

    assert terminal.ends() == 0
    terminal.leaves_nothing()


def test_ctrl_c_at_the_prompt_ends_everything(terminal: Terminal) -> None:
    terminal.shows("nounou>")

    terminal.type("\x03")

    assert terminal.ends() == 0
    terminal.leaves_nothing()


def test_ctrl_d_at_the_prompt_ends_everything(terminal: Terminal) -> None:
    terminal.shows("nounou>")

    terminal.type("\x04")

    assert terminal.ends() == 0
    terminal.leaves_nothing()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_however_often_it_comes(
    terminal: Terminal, number: signal.Signals
) -> None:
    terminal.shows("nounou>")

    terminal.demo.send_signal(number)
    terminal.demo.send_signal(number)

    assert terminal.ends() == 128 + number
    terminal.leaves_nothing()


def test_a_signal_while_everything_starts_ends_everything(terminal: Terminal) -> None:
    terminal.shows("starting the site and the bot")

    terminal.demo.send_signal(signal.SIGINT)

    assert terminal.ends() == 128 + signal.SIGINT
    terminal.leaves_nothing()


def test_killing_the_demonstration_ends_everything(terminal: Terminal) -> None:
    terminal.shows("nounou>")

    terminal.demo.kill()

    terminal.leaves_nothing()


def test_what_was_said_is_known_to_the_next_demonstration(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.shows("nounou>")
    terminal.type("!ping\r")
    terminal.shows("pong")
    terminal.type("/quit\r")
    terminal.ends()

    again = Terminal(tmp_path)
    again.shows("nounou>")
    again.type("!ping\r")
    again.shows("pong")
    again.type("/quit\r")

    assert again.ends() == 0
    os.close(again.tty)
