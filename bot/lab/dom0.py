"""A Xen host: its domains, processes, disks and files, and what each change of them means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import NAMESPACE_DNS, UUID, uuid5

from bot.lab.clock import Clock
from bot.lab.consoles.daemon import Consoles
from bot.lab.domains import Domain, Life
from bot.lab.guests import Guest
from bot.lab.processes import Process, Processes
from bot.lab.volumes import Disks


@dataclass(frozen=True)
class Machine:
    """What a host is made of; memory in MiB."""

    name: str
    total_memory: int
    dom0_memory: int = 768
    #: Debian's own Xen 4.17 is built without shadow paging (stock-info), 02-info with it
    shadow: bool = False
    #: the first domain id that it gives
    first_domid: int = 1
    #: whether its xenconsoled keeps a log of each guest
    console_logs: bool = False
    #: the generation of its iLO, one of `bot.lab.ilo.generations`
    ilo: int = 4


@dataclass
class Dom0:
    """One Xen host as it is now."""

    machine: Machine
    disks: Disks
    clock: Clock
    #: told after each change, so that the world can look for broken rules
    changed: Callable[[], None]
    first_pid: int = 1000
    domains: dict[int, Domain] = field(default_factory=dict)
    #: configuration files and others, by path
    files: dict[str, str] = field(default_factory=dict)
    #: whether its system answers; one that `hung` has power and its domains, and does not
    alive: bool = True
    powered: bool = True
    hung: bool = False
    booted: float = 0.0
    #: processes of the machine that stand for this host, beside those that only the world knows
    real_processes: Callable[[], tuple[Process, ...]] = tuple

    def __post_init__(self) -> None:
        self.processes = Processes(self.first_pid)
        self._next_domid = self.machine.first_domid
        self.consoles = Consoles(self.clock, logged=self.machine.console_logs)
        self.monitors: dict[int, Process] = {}
        me = Guest("Domain-0", str(UUID(int=0)), "pv", self.machine.dom0_memory, kernel="")
        self.itself = Domain(0, me, "Domain-0", me.memory, Life.ALIVE, self.booted)

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def free_memory(self) -> int:
        """What `xl info` calls free_memory.

        Xen keeps 1/128 and 8 MiB for itself: 1535 leaves 748 beside a Dom0 of 768, 2047 leaves 1256
        (02-info, 02-info-fz).
        """
        kept = self.machine.total_memory // 128 + 8
        used = sum(domain.memory for domain in self.domains.values())
        return self.machine.total_memory - self.machine.dom0_memory - kept - used

    @property
    def boot_id(self) -> str:
        """Another one after each boot, and the same until then."""
        return str(uuid5(NAMESPACE_DNS, f"{self.name} {self.booted!r}"))

    def take_domid(self) -> int:
        """The next domain id; failed attempts use one up too (47 to 53)."""
        self._next_domid += 1
        return self._next_domid - 1

    @property
    def next_domid(self) -> int:
        return self._next_domid

    def start_domids_at(self, domid: int) -> None:
        """Go on counting where a stopped site left off."""
        self._next_domid = max(self._next_domid, domid)

    def find(self, name: str) -> Domain | None:
        """The domain called *name*, or with that id; Domain-0 too."""
        for domain in self.listed():
            if name in (domain.name, str(domain.domid)):
                return domain
        return None

    def listed(self) -> tuple[Domain, ...]:
        """Every domain, Domain-0 first."""
        return (self.itself, *self.domains.values())

    def holds(self, domain: Domain) -> bool:
        """Whether *domain* itself, not another of its id, is still here."""
        return any(other is domain for other in self.listed())

    def build(
        self,
        guest: Guest,
        life: Life,
        *,
        name: str | None = None,
        memory: int | None = None,
        domid: int | None = None,
        boot: float | None = None,
    ) -> Domain:
        """Make a domain of *guest* and open its disks; it boots for *boot* seconds, or is up."""
        domid = self.take_domid() if domid is None else domid
        given = guest.memory if memory is None else memory
        domain = Domain(domid, guest, name or guest.name, given, life, self.clock.now())
        domain.live(life, self.clock.now())
        for disk in guest.disks:
            volume = self.disks.open(disk.path)
            domain.volumes[disk.path] = volume.wwn if volume else ""
        self.domains[domid] = domain
        self.consoles.start(domain, boot)
        self.changed()
        return domain

    def live(self, domain: Domain, life: Life) -> None:
        """Let *domain* go over to *life*."""
        domain.live(life, self.clock.now())
        if life is Life.ALIVE:
            self.consoles.goes_on(domain)
        self.changed()

    def rename(self, domain: Domain, name: str) -> None:
        domain.name = name
        self.changed()

    def drop(self, domain: Domain) -> None:
        """Destroy *domain*; its monitor ends with it."""
        if self.domains.pop(domain.domid, None) is None:
            return
        monitor = self.monitors.pop(domain.domid, None)
        if monitor is not None:
            self.processes.remove(monitor)
        self.consoles.end(domain)
        self.changed()

    def watch_over(self, domain: Domain, words: tuple[str, ...]) -> None:
        """Leave the process that waits for the end of *domain*: a daemon of process 1.

        Its words are those of the command that made the domain (xen tools/xl/xl_vmcontrol.c).
        """
        self.monitors[domain.domid] = self.processes.add(words, stdin="/dev/null")

    def uses(self, wwn: str) -> bool:
        """Whether a domain of this host has the volume *wwn* open."""
        return any(wwn in domain.volumes.values() for domain in self.domains.values())
