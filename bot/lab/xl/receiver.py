"""The receiving end of a migration: its process at the target, and the copy that it builds."""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.consoles.system import System
from bot.lab.dom0 import Dom0
from bot.lab.domains import Domain, Life
from bot.lab.guests import Guest
from bot.lab.xl import texts

_WORDS = ("xl", "migrate-receive")


class Receiver:
    """`xl migrate-receive` on *host*; *lost* is called when somebody kills it."""

    def __init__(self, host: Dom0, guest: Guest, lost: Callable[[], None]) -> None:
        self.host = host
        self.guest = guest
        self.domid = host.take_domid()
        self.copy: Domain | None = None
        self._lost = lost
        self._killed = False
        self._sshd = host.processes.add(("sshd: root@notty",))
        self._process = host.processes.add(_WORDS, ppid=self._sshd.pid)
        self._process.killed = self._die

    def _die(self) -> None:
        """SIGKILL: nobody is left to destroy the copy (xl_migrate.c, not recorded)."""
        self._killed = True
        self._lost()

    def obstacle(self) -> str:
        """Why the copy cannot be made here, put together from 47 and 51; empty where it can."""
        name = f"{self.guest.name}--incoming"
        if any(domain.name == name for domain in self.host.listed()):
            return texts.name_exists(self.domid, name) + texts.cannot_make(self.domid)
        for number, disk in enumerate(self.guest.disks):
            if self.host.disks.open(disk.path) is None:
                return texts.no_disk(self.domid, number, disk.vdev, disk.path)
        return ""

    def make(self) -> None:
        """Make the copy: paused, and without memory yet."""
        name = f"{self.guest.name}--incoming"
        self.copy = self.host.build(
            self.guest, Life.INCOMING, name=name, memory=0, domid=self.domid
        )

    def grow(self, memory: int) -> bool:
        """Let the copy have *memory* MiB; false where the host has not that much left."""
        if self.copy is None or memory - self.copy.memory > self.host.free_memory:
            return False
        self.copy.memory = memory
        return True

    @property
    def intact(self) -> bool:
        """Whether the copy that was made is still there."""
        return self.copy is None or self.host.holds(self.copy)

    def daemonize(self) -> None:
        """Leave a child behind as the monitor of the copy (xen tools/xl/xl_utils.c)."""
        if self.copy is not None:
            self.host.watch_over(self.copy, _WORDS)

    def name_taken(self) -> bool:
        """Whether another domain has the plain name here."""
        others = (domain for domain in self.host.listed() if domain is not self.copy)
        return any(domain.name == self.guest.name for domain in others)

    def fill(self, system: System) -> None:
        """The guest is in the copy; the log of its console keeps the name that it has now."""
        if self.copy is not None:
            self.host.consoles.move(system, self.copy)

    def start(self) -> None:
        """Take the plain name and let the copy go."""
        if self.copy is not None:
            self.host.rename(self.copy, self.guest.name)
            self.host.live(self.copy, Life.ALIVE)

    def abort(self) -> None:
        """Destroy the copy, as a receiver does whose stream ends too soon (94), and leave."""
        if self.copy is not None and not self._killed:
            self.host.drop(self.copy)
        self.leave()

    def leave(self) -> None:
        """End the process; a copy that was started has its monitor by now."""
        self.host.processes.remove(self._process)
        self.host.processes.remove(self._sshd)
