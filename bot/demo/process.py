"""The processes of the demonstration: each in a session of its own, none outlives the demo.

A child is told by the kernel when the demo dies (prctl(2), PR_SET_PDEATHSIG), so that even
``kill -9`` of the demo leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import bot
from bot.i18n import _

#: linux/prctl.h
_PR_SET_PDEATHSIG = 1
#: one line of the protocol carries a message of at most 64 KiB, twice, escaped
_LONGEST_LINE = 2**21

#: seconds between two looks at a process that was asked to end
LOOK = 0.02

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Child:
    """One program that the demo runs, as often as it takes."""

    #: what sentences call it
    name: str
    words: Sequence[str]
    #: where its standard error is kept
    log: Path
    #: whether its standard input and output are pipes to the demo
    talks: bool = False
    #: what it finds in its environment beside what the demo has
    environment: Mapping[str, str] = field(default_factory=dict)
    #: what it gets when the demo dies before it
    last_word: signal.Signals = signal.SIGKILL
    process: Process | None = field(default=None, init=False)

    async def start(self) -> Process:
        """Run it, once more if it ran before."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.words,
                stdin=PIPE if self.talks else DEVNULL,
                stdout=PIPE if self.talks else log,
                stderr=log,
                env={**_environment(), **self.environment},
                limit=_LONGEST_LINE,
                start_new_session=True,
                preexec_fn=_bound_to(os.getpid(), self.last_word),
            )
        return self.process

    async def stop(self, grace: float) -> None:
        """Ask it to end, and after *grace* seconds end it and its process group by force."""
        process = self.process
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await _exit(process)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    def end(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode if self.process is not None else None
        if code is None:
            return _("it still runs")
        if code < 0:
            return _("killed by signal {number}").format(number=-code)
        return _("exit code {code}").format(code=code)

    def last_lines(self, count: int = 12) -> str:
        """The end of its log, for a person who must find out why it ended."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-count:])


async def _exit(process: Process) -> None:
    """Return once *process* is gone; its own `wait` waits for all who hold its pipes as well."""
    while process.returncode is None:  # noqa: ASYNC110 - there is no event for this alone
        await asyncio.sleep(LOOK)


#: Runs ``python -m bot`` once its configuration is there, and imports what it needs until then, so
#: that the bot is ready a second earlier.
_BOT = """
import runpy, sys, time
from importlib import import_module
from pathlib import Path
for module in {modules!r}:
    import_module(module)
while not Path(sys.argv[-1]).exists():
    time.sleep(0.01)
sys.argv.remove("-m")
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def early_bot(*modules: str) -> tuple[str, ...]:
    """The words that run the bot, but for its configuration, which may be written later."""
    return python("-c", _BOT.format(modules=modules), "-m", "bot", "run")


def python(*words: str) -> tuple[str, ...]:
    """The words that run a module of this installation, whatever the current folder holds."""
    return (sys.executable, "-P", *words)


def _environment() -> dict[str, str]:
    home = str(Path(bot.__file__).resolve().parent.parent)
    before = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([home, before] if before else [home])}


def _bound_to(parent: int, last_word: signal.Signals) -> Callable[[], None]:
    """What the child does before it becomes its program: bind its life to that of *parent*."""

    def bind() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(last_word))
        if os.getppid() != parent:
            os._exit(1)

    return bind
