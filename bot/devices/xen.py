"""What the bot asks of a Xen host, whatever its toolstack."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from bot.core.units import Size
from bot.devices.boot import boot_id
from bot.devices.console import ConsoleLog, Visited
from bot.devices.session import Session, anything


class Kind(Enum):
    """What a domain is doing, in kinds that do not flicker: `r`, `b` and all dashes are one."""

    ALIVE = "alive"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    SHUT_DOWN = "shut down"
    CRASHED = "crashed"
    DYING = "dying"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Domain:
    """One line of the host's list: a domain that exists now."""

    name: str
    domid: int
    uuid: str
    memory: Size
    vcpus: int
    #: the six letters as the toolstack printed them
    state: str
    cpu_seconds: float

    @property
    def kind(self) -> Kind:
        """The kind of state; never a guess: letters that are not known are `Kind.UNKNOWN`."""
        return _kind(self.state)

    @property
    def plain_name(self) -> str:
        """The guest's own name, without what a transfer adds to it."""
        return plain_name(self.name)

    @property
    def half_moved(self) -> bool:
        """True where the name says that a transfer is, or was, under way."""
        return self.plain_name != self.name or self.name == "(null)"


#: `xl` names a domain that is being received and one that was sent; xend one that is being sent
#: (xen tools/xl/xl_vmcontrol.c, xl_migrate.c; XendCheckpoint.py)
_TRANSFER = re.compile(r"^(?:migrating-(?P<xm>.+)|(?P<xl>.+?)--(?:incoming|migratedaway))$")


def plain_name(name: str) -> str:
    """*name* without the marks of a transfer: ``vm--incoming`` is ``vm``."""
    match = _TRANSFER.match(name)
    return (match["xm"] or match["xl"]) if match else name


def _kind(state: str) -> Kind:
    if len(state) != 6 or not re.fullmatch(r"[r-][b-][p-][s-][-rscwS][d-]", state):
        return Kind.UNKNOWN
    if state[5] == "d":
        return Kind.DYING
    if state[3] == "s" or state[4] != "-":
        reasons = {"s": Kind.SUSPENDED, "c": Kind.CRASHED, "w": Kind.CRASHED}
        return reasons.get(state[4], Kind.SHUT_DOWN)
    return Kind.PAUSED if state[2] == "p" else Kind.ALIVE


@dataclass(frozen=True)
class Disk:
    """A disk of a guest, as its configuration names it on the host."""

    path: str
    vdev: str
    writable: bool


@dataclass(frozen=True)
class Nic:
    mac: str
    bridge: str


@dataclass(frozen=True)
class DomainConfig:
    """The configuration that the host holds of a domain that exists now."""

    name: str
    domid: int
    uuid: str
    #: ``pv``, ``pvh`` or ``hvm``
    type: str
    memory: Size
    vcpus: int
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]


@dataclass(frozen=True)
class HostInfo:
    """What the hypervisor says of itself."""

    name: str
    xen_version: str
    total_memory: Size
    free_memory: Size
    virt_caps: frozenset[str]

    @property
    def moves_pv_live(self) -> bool:
        """Whether PV guests can be moved live: only with shadow paging."""
        return "shadow" in self.virt_caps


@dataclass(frozen=True)
class Transfer:
    """A process on a host that sends or receives a domain, or may."""

    pid: int
    #: the guest's name or domain id; empty for a receiver, and for a sender that does not say it
    guest: str
    command: str
    #: a receiver counts for the guests that are half-moved there, a sender without a name for all
    receives: bool = False


@dataclass(frozen=True)
class MigrationOutcome:
    """What a finished migrate command said, read from its text; the census has the last word."""

    succeeded: bool
    #: one sentence for people: why it failed, or that it did not
    reason: str
    #: true where the toolstack itself says that it does not know ("Domain state is now undefined")
    undefined: bool = False


class Toolstack(ABC):
    """The command line of one Xen host.  Put a subclass in ``bot/devices/toolstacks/`` for another.

    Reads raise `Unreachable` when the host cannot be asked and `DeviceError` when its answer is an
    error or cannot be understood; nothing is ever skipped or guessed.
    """

    driver: ClassVar[str]

    def __init__(self, host: str, session: Session, console_log: str = "") -> None:
        self.host = host
        self.session = session
        #: where the host keeps what a console printed, with {name} for the guest; empty: nowhere
        self.console_log_path = console_log

    @abstractmethod
    async def info(self) -> HostInfo:
        """Version, memory and abilities."""

    async def boot(self) -> str:
        """Which boot of the host this is: another answer means that it was down meanwhile."""
        return await self.session.run(boot_id())

    @abstractmethod
    async def domains(self) -> tuple[Domain, ...]:
        """Every domain that exists now, without Domain-0."""

    @abstractmethod
    async def configs(self) -> tuple[DomainConfig, ...]:
        """The configuration of each domain that exists now and can be read, without Domain-0.

        The toolstack silently leaves out a domain that it cannot read: compare with `domains`.
        """

    @abstractmethod
    async def defined(self) -> tuple[str, ...]:
        """Names of the guests that have a configuration file on this host, running or not."""

    @abstractmethod
    async def transfers(self) -> tuple[Transfer, ...]:
        """The processes that send or receive a domain now; monitors of running domains are none."""

    @abstractmethod
    def migrate_words(self, guest: str, target: str) -> tuple[str, ...]:
        """The command that moves *guest* to *target* live, to be run detached."""

    @abstractmethod
    def read_migration(self, exit_code: int, stdout: str, stderr: str) -> MigrationOutcome:
        """What a finished migrate command said."""

    @abstractmethod
    def destroy_words(self, domid: int) -> tuple[str, ...]:
        """The command that ends the domain *domid* at once, to be run detached.

        By id, so that it hits nothing that comes by the same name meanwhile; never Domain-0.
        """

    @abstractmethod
    def read_destroy(self, exit_code: int, stdout: str, stderr: str) -> str:
        """Why a finished destroy command failed, in one sentence; empty where it reports none."""

    @abstractmethod
    async def console_log(self, guest: str, last: int) -> ConsoleLog | None:
        """The last *last* bytes that the console of *guest* printed.

        None where the host keeps no log of it.  Nothing is attached, and nothing is read away.
        """

    @abstractmethod
    async def console_printed(self, guest: str) -> float | None:
        """When the console of *guest* last printed something, by its log: seconds since 1970.

        By the host's clock, to the second.  None where the host keeps no log of it.
        """

    @abstractmethod
    async def can_view(self) -> bool:
        """Whether a console can be attached to without any chance to type."""

    @abstractmethod
    async def view_console(self, domid: int, seconds: float) -> str:
        """What the console of *domid* has to show within *seconds*, attached without a terminal.

        What was printed before and nobody read is read away by it.  The host itself ends it,
        whatever becomes of the bot.  Raises `ConsoleHeld` where somebody else is attached.
        """

    @abstractmethod
    async def visit_console(
        self,
        domid: int,
        keys: tuple[bytes, ...] = (),
        may_type: Callable[[str], bool] = anything,
    ) -> Visited:
        """Attach to the console of *domid* with a terminal, type *keys*, and detach.

        Nothing is typed where *may_type* says no to what is shown by then.  Raises `ConsoleHeld`
        where somebody else is attached.  With *keys* it changes something.
        """

    @abstractmethod
    async def sysrq(self, domid: int, key: str) -> None:
        """Send the magic SysRq *key*, a letter or digit, to the kernel of *domid* (changes it)."""
