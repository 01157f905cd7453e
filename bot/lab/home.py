"""A Dom0's home folder in memory: the four scripts of the bot by their contract, not by `sh`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.devices.session import Output
from bot.lab import programs
from bot.lab.command import Execution, start
from bot.lab.dom0 import Dom0
from bot.lab.processes import Process
from bot.lab.world import World

#: exit codes of the scripts: the place is taken, or cannot be made
TAKEN, CANNOT = 17, 73
#: how much of a stream a look shows
_TAIL = 64 * 1024


@dataclass
class Job:
    """A directory of a detached command, or one that bars it."""

    barred: bool = False
    #: whether the shell that waits for the exit code lives
    waited_for: bool = False
    #: whether the command itself lives: it holds the lock too
    lives: bool = False
    exit: int | None = None
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)

    def state(self) -> str:
        if self.barred:
            return "barred"
        if self.exit is not None:
            return f"ended {self.exit}"
        return "running" if self.waited_for or self.lives else "vanished"


class Home:
    """The bot's home on one Dom0; it outlives a loss of power."""

    def __init__(self, world: World, dom0: Dom0) -> None:
        self._world = world
        self._dom0 = dom0
        self._jobs: dict[str, Job] = {}
        self._files: dict[str, str] = {}
        self._scripts: dict[str, Callable[[tuple[str, ...]], Output]] = {
            "nounou-detach": self._detach,
            "nounou-look": self._look,
            "nounou-bar": self._bar,
            "nounou-own": self._own,
        }

    def script(self, words: tuple[str, ...]) -> Callable[[tuple[str, ...]], Output] | None:
        """The script that *words* run, by its ``$0``: ``sh -c SCRIPT NAME ARGUMENTS…``."""
        if len(words) < 5 or words[:2] != ("sh", "-c"):
            return None
        return self._scripts.get(words[3])

    def _blocked(self, path: str) -> bool:
        """Whether something that is no folder stands in the way of making *path*."""
        parts = path.split("/")
        return any("/".join(parts[:end]) in self._files for end in range(1, len(parts)))

    def _detach(self, words: tuple[str, ...]) -> Output:
        place, inner = words[4], words[5:]
        if place in self._jobs:
            return Output("", "", TAKEN)
        if place in self._files or self._blocked(place):
            return Output("", "", CANNOT)
        job = self._jobs[place] = Job(waited_for=True, lives=True)
        # the shell that waits is the script's inner one; what `ps` shows of it is much longer
        shell = self._dom0.processes.add(("sh", "-c", words[2], place, *inner), stdin="/dev/null")
        execution = start(
            self._world,
            self._dom0,
            inner,
            programs.run,
            out=job.stdout.append,
            err=job.stderr.append,
            ppid=shell.pid,
        )
        shell.killed = lambda: setattr(job, "waited_for", False)
        self._world.chores.start(self._wait(job, shell, execution))
        return Output("started\n")

    async def _wait(self, job: Job, shell: Process, execution: Execution) -> None:
        """The waiting shell: it writes the exit code, if it still lives."""
        code = await execution.wait()
        job.lives = False
        if job.waited_for:
            job.exit = code
            job.waited_for = False
            self._dom0.processes.remove(shell)
        self._world.changed()

    def _look(self, words: tuple[str, ...]) -> Output:
        place = words[4]
        job = self._jobs.get(place)
        if job is None:
            blocked = place in self._files
            return Output("", "", CANNOT) if blocked else Output("absent\n")
        stdout, stderr = _tail(job.stdout), _tail(job.stderr)
        return Output(f"{job.state()}\n{stdout}", stderr)

    def _bar(self, words: tuple[str, ...]) -> Output:
        place = words[4]
        if place in self._files or self._blocked(place):
            return Output("", "", CANNOT)
        self._jobs.setdefault(place, Job(barred=True))
        return self._look(words)

    def _own(self, words: tuple[str, ...]) -> Output:
        path, owner = words[4], words[5]
        if path in self._jobs or self._blocked(path):
            return Output("", "", CANNOT)
        return Output(self._files.setdefault(path, owner) + "\n")


def _tail(written: list[str]) -> str:
    """The last 64 KiB, as bytes are counted."""
    return "".join(written).encode()[-_TAIL:].decode(errors="replace")
