"""A bot put together as `bot.app.serve` does it, in a world in memory, on virtual time.

`Place` is what outlives the bot: its state folder, the room, the world.  `Place.bot` is one life of
the bot in it, which may end gracefully or as by ``kill -9``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import registry_of, serve
from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.command import Registry
from bot.core.own import Own
from bot.core.policy import Policy, Right, Role
from bot.core.risk import Risk
from bot.core.rooms import Rooms
from bot.core.tally import Tally
from bot.core.watch import Watch
from bot.devices.arrays.msa import MsaArray
from bot.devices.detached import HostLauncher
from bot.devices.guest import GuestAccess
from bot.devices.host import Host
from bot.devices.lights_out.ilo import Ilo
from bot.devices.links import HostLinks
from bot.devices.ownership import OwnerFile
from bot.devices.session import Call, Session, T
from bot.devices.time_service import TimeServiceDriver
from bot.devices.toolstacks.xl import XlToolstack
from bot.engine import store as stores
from bot.engine.clocks import ClockRules
from bot.engine.engine import Engine
from bot.engine.inventory import Inventory
from bot.engine.outbox import Outbox
from bot.engine.owners import Owners
from bot.engine.pins import Pins
from bot.engine.recording import RecordedSession
from bot.engine.store import Store
from bot.engine.world import Timing, World
from bot.errors import StoreError
from bot.lab.memory import MemorySite
from bot.lab.programs import UPDATE
from bot.lab.world import World as LabWorld
from bot.plugins import drivers_in
from tests.fakes import NOUNOU, ROOM, FakeChat, Said

#: when the tests' time begins, in seconds since 1970
EPOCH = 1_800_000_000.0
NOUNOU2 = "@nounou2:localhost"
APPRENTI = "@apprenti:localhost"
STRANGER = "@stranger:localhost"

LOOKING = ("bot.*", "domu.list", "domu.show", "job.list", "job.show", "job.release", "audit.tail")
POLICY = Policy(
    persons={NOUNOU: "nounou", NOUNOU2: "nounou2", APPRENTI: "apprenti"},
    roles={"nounou": ("nounou",), "nounou2": ("nounou",), "apprenti": ("apprenti",)},
    rights={
        "nounou": Role((Right.parse("*"),)),
        "apprenti": Role(tuple(map(Right.parse, LOOKING))),
    },
)

_stores: list[TestedStore] = []
_uncounted: list[None] = []


def at_work() -> bool:
    """Whether a database thread is at work for the loop, so that virtual time must not jump."""
    return bool(_uncounted) or any(store.in_flight or store.moving for store in _stores)


@contextmanager
def threads_at_work() -> Iterator[None]:
    """Virtual time does not jump in here: there are threads that no store counts."""
    _uncounted.append(None)
    try:
        yield
    finally:
        _uncounted.pop()


class TestedStore(Store):
    """The real store, which can die: from the n-th commit on nothing reaches it any more."""

    __test__ = False

    def __init__(self, folder: Path, *, die_after: int | None = None) -> None:
        super().__init__(folder)
        #: being opened or closed
        self.moving = False
        self.commits = 0
        self.die_after = die_after
        self.dead = asyncio.Event()
        #: so many commits happen and report that they did not
        self.doubts = 0
        #: called in each transaction, so that a test can make it fail in the middle
        self.meddle: Callable[[AsyncConnection], None] = lambda tx: None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        await self._alive()
        async with super().write() as tx:
            yield tx
            self.meddle(tx)
        self.commits += 1
        if self.commits == self.die_after:
            self.dead.set()
        await self._alive()
        if self.doubts:
            self.doubts -= 1
            raise StoreError

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        await self._alive()
        async with super().read() as tx:
            yield tx

    async def reconnect(self, *pragmas: str, busy_timeout: float = 10.0) -> None:
        """Open every connection anew, each with *pragmas*."""
        self.moving = True
        await self._disconnect()
        self._engine = stores._engine(self.folder / stores.FILE, busy_timeout)

        @event.listens_for(self._engine.sync_engine, "connect")
        def connected(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        self.moving = False

    async def breaks(self, *tables: str) -> None:
        """From now on nothing can be written into *tables*, as on a full disk."""
        async with super().write() as tx:
            for name in tables:
                for verb in ("INSERT", "UPDATE"):
                    await tx.execute(
                        text(
                            f"CREATE TRIGGER broken_{name}_{verb} BEFORE {verb} ON {name} "
                            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                        )
                    )

    async def mend(self) -> None:
        """There is room on the disk again."""
        async with super().write() as tx:
            query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in list(await tx.scalars(text(query))):
                await tx.execute(text(f"DROP TRIGGER {name}"))

    async def _alive(self) -> None:
        if self.dead.is_set():
            await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def opened(folder: Path, *, die_after: int | None = None) -> AsyncIterator[TestedStore]:
    """The store in *folder*, while virtual time waits for its thread."""
    store = TestedStore(folder, die_after=die_after)
    _stores.append(store)
    store.moving = True
    try:
        await store.open()
        store.moving = False
        yield store
    finally:
        store.moving = True
        await store.close()
        _stores.remove(store)


@dataclass
class Wire:
    """A session that notes what was sent; once it is *cut*, nothing passes any more."""

    session: Session
    host: str
    place: Place

    async def run(self, call: Call[T]) -> T:
        line = " ".join(word for word in call.words if "\n" not in word)
        await self.place.passes(f"{self.host}: {line}")
        answer = await self.session.run(call)
        await self.place.passes("")
        return answer

    async def close(self) -> None:
        await self.session.close()


@dataclass
class Place:
    """State folder, room and world; they outlive the bot."""

    folder: Path
    lab: LabWorld
    chat: FakeChat = field(default_factory=FakeChat)
    policy: Policy = POLICY
    timing: Timing = field(default_factory=Timing)
    registry: Registry = field(default_factory=lambda: registry_of(["commands"]))
    audit_room: str | None = None
    #: nothing waits for anybody but what destroys, unless the test says so
    approvals: Approvals = field(
        default_factory=lambda: Approvals(by_risk={Risk.DESTROYS: Need.SECOND})
    )
    #: which verbs a room takes, where not all
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own: Own = field(default_factory=Own)
    #: the serial numbers that the config has, where they are not the right ones
    enrolled: dict[str, str] = field(default_factory=dict)
    #: the hosts for which the config has no iLO
    without_ilo: frozenset[str] = frozenset()
    #: the DomUs that the bot can get into by ssh
    guests: tuple[str, ...] = ()
    #: how clocks are judged
    clock_rules: ClockRules = field(default_factory=ClockRules)
    #: where hosts keep logs of consoles; nowhere unless the test says so
    console_log: str = ""
    #: nothing is looked at unless the test says so
    watches: Sequence[Watch] = ()
    #: every command line that any host or array was sent, as ``HOST: WORDS``
    sent: list[str] = field(default_factory=list)
    #: the bot dies at the n-th passage of its wires: each call passes twice, there and back
    die_at_passage: int | None = None
    passages: int = 0
    #: what the bot that lives now counts
    tally: Tally = field(default_factory=Tally)
    bots: list[Bot] = field(default_factory=list)

    async def passes(self, line: str) -> None:
        """Let a call or an answer pass, unless the bot is dead."""
        self.passages += 1
        if self.passages == self.die_at_passage:
            self.bots[-1].store.dead.set()
        if self.bots and self.bots[-1].store.dead.is_set():
            await asyncio.get_running_loop().create_future()
        if line:
            self.sent.append(line)

    async def later(self, seconds: float) -> None:
        """Let virtual time go by."""
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, over.set)
        await over.wait()

    def clock(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def world(self, store: Store | None = None) -> World:
        """The lab's devices behind the real drivers, recorded in *store*."""
        wires = {name: self._session(name, store) for name in self.lab.hosts}
        hosts = {
            name: Host(
                name=name,
                address=name,
                toolstack=XlToolstack(name, wire, self.console_log),
                links=HostLinks(wire, ("sudo", UPDATE), 120.0),
                launcher=HostLauncher(wire, ".nounou/jobs"),
                ownership=OwnerFile(wire, ".nounou/owner"),
                lights_out=self._lights_out(name, store),
                serial=self.enrolled.get(name, self.lab.ilos[f"{name}-ilo"].serial_number),
            )
            for name, wire in wires.items()
        }
        arrays = {name: MsaArray(name, self._session(name, store)) for name in self.lab.arrays}
        guests = {name: GuestAccess(name, name, self._session(name, store)) for name in self.guests}
        kinds = drivers_in("bot.devices.time_services", TimeServiceDriver)
        services = sorted(kinds.values(), key=lambda kind: kind.order)
        return World(hosts, arrays, guests, time_services=services)

    def _lights_out(self, host: str, store: Store | None) -> Ilo | None:
        if host in self.without_ilo:
            return None
        return Ilo(f"{host}-ilo", self._session(f"{host}-ilo", store))

    def _session(self, name: str, store: Store | None) -> Session:
        wire = Wire(self._memory.session(name), name, self)
        return wire if store is None else RecordedSession(wire, name, store, self.clock, self.tally)

    def engine(self, store: Store, world: World | None = None) -> Engine:
        """All parts, without their loops."""
        world = self.world(store) if world is None else world
        return Engine(
            store=store,
            chat=self.chat,
            outbox=Outbox(store, self.chat, clock=self.clock),
            registry=self.registry,
            policy=self.policy,
            world=world,
            inventory=Inventory(world, self.clock),
            owners=Owners(store.site_id),
            pins=Pins(store, self.clock),
            timing=self.timing,
            clock=self.clock,
            prefix="!",
            rooms=Rooms(ROOM, self.audit_room or "", self.commands),
            own=self.own,
            approvals=self.approvals,
            audit_room=self.audit_room,
            watches=self.watches,
            clock_rules=self.clock_rules,
            tally=self.tally,
            version="0.1",
            started=self.clock(),
            steady=asyncio.get_running_loop().time,
        )

    def __post_init__(self) -> None:
        # the homes of the lab's hosts outlive the bot
        self._memory = MemorySite(self.lab)

    @asynccontextmanager
    async def bot(
        self, world: World | None = None, *, die_after: int | None = None, **changes: Any
    ) -> AsyncIterator[Bot]:
        """One life of the bot; *changes* are fields of its `Engine`."""
        async with opened(self.folder, die_after=die_after) as store:
            self.tally = Tally()
            engine = replace(self.engine(store, world), **changes)
            bot = Bot(self, engine, store)
            self.bots.append(bot)
            bot.begin()
            try:
                yield bot
            finally:
                await bot.end()

    def where(self, guest: str) -> list[str]:
        """The hosts on which *guest* runs in truth."""
        return [
            host.name
            for host in self.lab.hosts.values()
            for domain in host.domains.values()
            if domain.guest.name == guest and domain.runs
        ]

    def migrations(self) -> list[str]:
        """Each time that a host was told to start a migration."""
        return [line for line in self.sent if "nounou-detach" in line]


class Bot:
    """One life of the bot."""

    def __init__(self, place: Place, engine: Engine, store: TestedStore) -> None:
        self.place = place
        self.engine = engine
        self.store = store
        self.chat = place.chat
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(serve(self.engine, ROOM, stop=5.0))

    async def end(self) -> None:
        """Stop as on SIGTERM; a bot that died by itself fails the test."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def killed(self) -> None:
        """Die at once, as by ``kill -9``: nothing more is written, said or sent."""
        self.store.dead.set()
        self.chat.down = True
        await self.end()
        self.chat.down = False

    async def ask(self, line: str, sender: str = NOUNOU, proof: Proof = Proof.PLAIN) -> Said:
        """Type *line* and wait for its final answer."""
        return await self.chat.answer(self.chat.say(line, sender, proof=proof))

    async def code(self, event_id: str) -> str:
        """The code that the command *event_id* waits for, once it does."""

        def codes() -> list[str]:
            said = [each.status for each in self.chat.about(event_id)]
            return [status.code for status in said if status is not None and status.code]

        await self.chat.until(lambda: bool(codes()))
        return codes()[-1]
