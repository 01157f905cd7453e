"""Hosts and an array in memory, which list what a test tells them to; fakes that speak values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.core.units import Size
from bot.devices.console import ConsoleHeld, ConsoleLog, Visited
from bot.devices.host import Detached, Host, Link, Phase
from bot.devices.session import anything
from bot.devices.storage import ArrayInfo, StorageArray, Volume
from bot.devices.xen import (
    Disk,
    Domain,
    DomainConfig,
    HostInfo,
    MigrationOutcome,
    Toolstack,
    Transfer,
)
from bot.errors import Refused
from tests.fake_clock import FakeClock


def domain(
    name: str = "vm",
    domid: int = 1,
    *,
    uuid: str = "11111111-2222-3333-4444-555555555555",
    state: str = "-b----",
    memory: int = 512,
) -> Domain:
    """A line of a host's list."""
    return Domain(name, domid, uuid, Size.mib(memory), 1, state, 1.0)


class FakeToolstack(Toolstack):
    """A host that shows what it is told; each look takes the next of *views*, the last for ever."""

    driver = "fake"

    def __init__(self, host: str, *views: Sequence[Domain]) -> None:
        self.clock = FakeClock()
        super().__init__(host, self.clock)
        self.views = [tuple(view) for view in views] or [()]
        self.moving: tuple[Transfer, ...] = ()
        self.silent: Exception | None = None
        self.disks: tuple[Disk, ...] = (Disk("/dev/vm-root", "xvda1", True),)
        self.kind = "pvh"
        self.unreadable: set[int] = set()
        self.free = Size.mib(4096)
        self.caps = frozenset({"pv", "hvm"})
        self.outcome = MigrationOutcome(True, "done")
        self.looks = 0
        self.booted = "first"
        #: what the host keeps of a guest's console, by the guest's name
        self.kept: dict[str, ConsoleLog] = {}
        #: the logs that cannot be read, and why
        self.broken_logs: dict[str, Exception] = {}
        #: how often the end of a log was read
        self.log_reads = 0
        #: what is to be read at a console, by domain id; it is read away
        self.rings: dict[int, str] = {}
        #: the consoles that somebody else holds
        self.held: set[int] = set()
        self.viewable = True
        #: the keys and the SysRq keys that were typed
        self.typed: list[tuple[int, bytes | str]] = []

    def _answer(self) -> None:
        if self.silent is not None:
            raise self.silent

    async def info(self) -> HostInfo:
        self._answer()
        return HostInfo(self.host, "4.17.6-pre", Size.mib(8192), self.free, self.caps)

    async def boot(self) -> str:
        self._answer()
        return self.booted

    async def domains(self) -> tuple[Domain, ...]:
        self._answer()
        self.looks += 1
        return self.views[min(self.looks, len(self.views)) - 1]

    def now(self, *domains: Domain) -> None:
        """Show *domains* from here on."""
        self.views, self.looks = [domains], 0

    async def configs(self) -> tuple[DomainConfig, ...]:
        self._answer()
        return tuple(
            DomainConfig(
                each.name, each.domid, each.uuid, self.kind, each.memory, 1, self.disks, ()
            )
            for each in self.views[min(max(self.looks, 1), len(self.views)) - 1]
            if each.domid not in self.unreadable
        )

    async def defined(self) -> tuple[str, ...]:
        self._answer()
        return ()

    async def transfers(self) -> tuple[Transfer, ...]:
        self._answer()
        return self.moving

    def migrate_words(self, guest: str, target: str) -> tuple[str, ...]:
        return ("xl", "migrate", guest, target)

    def read_migration(self, exit_code: int, stdout: str, stderr: str) -> MigrationOutcome:
        return self.outcome

    def destroy_words(self, domid: int) -> tuple[str, ...]:
        return ("xl", "destroy", str(domid))

    def read_destroy(self, exit_code: int, stdout: str, stderr: str) -> str:
        return stderr if exit_code else ""

    async def console_log(self, guest: str, last: int) -> ConsoleLog | None:
        self._answer()
        kept = self.kept.get(guest)
        if kept is None:
            return None
        if guest in self.broken_logs:
            raise self.broken_logs[guest]
        self.log_reads += 1
        return ConsoleLog(kept.text[-last:], kept.printed)

    async def console_printed(self, guest: str) -> float | None:
        self._answer()
        kept = self.kept.get(guest)
        return None if kept is None else kept.printed

    async def can_view(self) -> bool:
        self._answer()
        return self.viewable

    def _attach(self, domid: int) -> str:
        self._answer()
        if domid in self.held:
            raise ConsoleHeld(f"Somebody else holds this console on {self.host}.")
        return self.rings.pop(domid, "")

    async def view_console(self, domid: int, seconds: float) -> str:
        assert self.viewable
        return self._attach(domid)

    async def visit_console(
        self,
        domid: int,
        keys: tuple[bytes, ...] = (),
        may_type: Callable[[str], bool] = anything,
    ) -> Visited:
        shown = self._attach(domid)
        if not keys or not may_type(shown):
            return Visited(shown, 0)
        self.typed += [(domid, key) for key in keys]
        return Visited(shown + "".join(key.decode() for key in keys), len(keys))

    async def sysrq(self, domid: int, key: str) -> None:
        self._answer()
        self.typed.append((domid, key))


class FakeLinks:
    """Links that lead where they are told; by default each to the volume of its name."""

    def __init__(self, volumes: dict[str, str]) -> None:
        self.found = {path: Link(path, "/dev/sdb", wwn) for path, wwn in volumes.items()}
        self.resyncs = 0
        self.mended: dict[str, Link] = {}

    async def resync(self) -> None:
        self.resyncs += 1
        self.found |= self.mended

    async def look(self, path: str) -> Link:
        return self.found.get(path, Link(path, "", ""))


class FakeLauncher:
    """A place for each name; what becomes of a command is scripted by the test."""

    def __init__(self) -> None:
        self.started: list[tuple[str, tuple[str, ...]]] = []
        self.places: dict[str, Detached] = {}
        #: raised by `start`, after the command was taken where *takes*
        self.start_error: Exception | None = None
        self.takes = True
        #: what each look finds, in order; the last for ever
        self.looks: list[Detached | Exception] = [Detached(Phase.ENDED, 0)]
        self.asked: list[str] = []

    async def start(self, name: str, words: tuple[str, ...]) -> None:
        self.asked.append(f"start {name}")
        if name in self.places:
            raise Refused
        if self.takes:
            self.started.append((name, words))
            self.places[name] = Detached(Phase.RUNNING)
        if self.start_error is not None:
            raise self.start_error

    async def look(self, name: str) -> Detached:
        self.asked.append(f"look {name}")
        if name not in self.places:
            return Detached(Phase.ABSENT)
        if self.places[name].phase is Phase.BARRED:
            return self.places[name]
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def bar(self, name: str) -> Detached:
        self.asked.append(f"bar {name}")
        self.places.setdefault(name, Detached(Phase.BARRED))
        return await self.look(name)


class FakeOwnership:
    """A lock file on a host."""

    def __init__(self, owner: str = "") -> None:
        self.owner = owner
        self.claims = 0

    async def claim(self, site: str) -> str:
        self.claims += 1
        self.owner = self.owner or site
        return self.owner


class FakeArray(StorageArray):
    """An array with the volumes that it is given, by name."""

    driver = "fake"

    def __init__(self, wwns: dict[str, str]) -> None:
        self.name = "nols"
        self.wwns = wwns

    async def info(self) -> ArrayInfo:
        return ArrayInfo("P2000", "TS250")

    async def volumes(self) -> tuple[Volume, ...]:
        return tuple(Volume(name, Size.mib(1024), wwn) for name, wwn in self.wwns.items())


def fake_host(name: str, *views: Sequence[Domain], wwns: dict[str, str] | None = None) -> Host:
    """A Dom0 of fakes."""
    volumes = {f"/dev/{each}": wwn for each, wwn in (wwns or {}).items()}
    return Host(
        name,
        name,
        FakeToolstack(name, *views),
        FakeLinks(volumes),
        FakeLauncher(),
        FakeOwnership(),
    )
