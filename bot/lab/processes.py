"""The processes of a Dom0, as `ps` and `/proc` show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

#: what `/proc/PID/fd/0` of a daemon leads to
NOWHERE = "/dev/null"


def _nothing() -> None:
    """Most processes take nothing with them when they are killed."""


@dataclass
class Process:
    """One process; `killed` is what SIGKILL means for the world."""

    pid: int
    ppid: int
    words: tuple[str, ...]
    stdin: str = NOWHERE
    killed: Callable[[], None] = field(default=_nothing, compare=False)

    @property
    def args(self) -> str:
        """The command line as procps prints it, where a line feed shows as a space."""
        return " ".join(self.words).replace("\n", " ")


class Processes:
    """The process table of one host."""

    def __init__(self, first_pid: int) -> None:
        self._next = first_pid
        self._table: dict[int, Process] = {}

    def add(
        self,
        words: tuple[str, ...],
        *,
        ppid: int = 1,
        stdin: str | None = None,
        pid: int | None = None,
    ) -> Process:
        """Enter a process; without *stdin* it reads from a pipe of its own."""
        if pid is None:
            pid, self._next = self._next, self._next + 1
        entry = Process(pid, ppid, words, stdin or f"pipe:[{40000 + pid}]")
        self._table[pid] = entry
        return entry

    def remove(self, process: Process) -> None:
        """Take *process* out; its children belong to process 1 from now on."""
        if self._table.get(process.pid) is process:
            del self._table[process.pid]
        for child in self._table.values():
            if child.ppid == process.pid:
                child.ppid = 1

    def kill(self, pid: int) -> bool:
        """Send SIGKILL; false where there is no such process."""
        process = self._table.get(pid)
        if process is None:
            return False
        self.remove(process)
        process.killed()
        return True

    def get(self, pid: int) -> Process | None:
        return self._table.get(pid)

    def all(self) -> tuple[Process, ...]:
        """Every process, by pid."""
        return tuple(self._table[pid] for pid in sorted(self._table))

    def clear(self) -> tuple[Process, ...]:
        """Empty the table, as a power cut does; what was in it."""
        gone = self.all()
        self._table.clear()
        return gone
