"""Fakes that speak values: a chat in memory, and hosts that list what a test tells them to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bot.core.chat import Batch, Kind, Message, Post, PostKind, Proof, Receive, Status
from bot.core.units import Size
from bot.devices.host import Detached, Host, Link, Phase
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
from bot.errors import ChatUnavailable, Refused, StoreError

ROOM = "#nounou:localhost"
NOUNOU = "@nounou:localhost"


@dataclass
class Said:
    """One message of the bot as people see it now; `before` are the texts that edits replaced."""

    event_id: str
    post: Post
    before: list[str] = field(default_factory=list)

    @property
    def plain(self) -> str:
        return self.post.text.plain

    @property
    def status(self) -> Status | None:
        return self.post.status


class FakeChat:
    """A room that outlives the bot: lines are numbered, and one txn makes one message.

    Tests make it fail: `down` refuses every post for now, `trouble` may raise for a post before it
    is taken, `lose_answers` takes so many posts and loses the answer, a gate holds up a room.
    While it is `silent` it hands over nothing; what was said meanwhile comes in one batch, as what
    was said while no bot listened.
    """

    #: seconds between two empty batches, as a homeserver answers a long poll
    HEARTBEAT = 30.0

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.messages: dict[str, Said] = {}
        #: the signs that stand on messages now: which event, which sign
        self.signs: dict[str, tuple[str, str]] = {}
        self.attempts: list[Post] = []
        self.down = False
        self.trouble: Callable[[Post], None] = lambda post: None
        self.lose_answers = 0
        self.silent = False
        self.gates: dict[str, asyncio.Event] = {}
        #: which rooms are encrypted, as far as that is known
        self.encryption: dict[str, bool] = {}
        #: where it was shown that the bot is at work (or no longer), in order
        self.typed: list[tuple[str, bool]] = []
        #: how many batches are stored, as far as this life of the bot has told; -1 before it did
        self.taken_in = -1
        #: how often a batch could not be stored
        self.raised = 0
        self._events: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._closed = False

    def say(
        self, body: str, sender: str = NOUNOU, room: str = ROOM, proof: Proof = Proof.PLAIN
    ) -> str:
        """A person's line, in a batch of its own; returns its event id."""
        return self.say_all([body], sender, room, proof)[0]

    def react(self, sign: str, target: str, sender: str = NOUNOU, room: str = ROOM) -> str:
        """A person's sign on the message *target*; returns its event id."""
        event_id = f"$r{len(self.batches)}"
        self.deliver([Message(event_id, room, sender, sign, Kind.REACTION, target=target)])
        return event_id

    def say_all(
        self,
        bodies: Iterable[str],
        sender: str = NOUNOU,
        room: str = ROOM,
        proof: Proof = Proof.PLAIN,
    ) -> list[str]:
        """Several lines in one batch."""
        first = sum(len(batch.messages) for batch in self.batches)
        messages = tuple(
            Message(f"$m{number}", room, sender, body, proof=proof)
            for number, body in enumerate(bodies, first)
        )
        self.deliver(messages)
        return [message.event_id for message in messages]

    def deliver(self, messages: Sequence[Message]) -> None:
        """Hand over *messages* as they are, repeated event ids and all."""
        self.batches.append(Batch(str(len(self.batches) + 1), tuple(messages)))
        self.changed()

    async def run(self, receive: Receive, since: str | None) -> None:
        self._closed, self.taken_in = False, -1
        place, missed = int(since or 0), since is not None
        while not self._closed:
            if self.silent:
                missed = True
                await self._changed.wait()
                continue
            if place == len(self.batches) and not missed:
                heard = await self.next_change(self.HEARTBEAT)
                if heard or self._closed or self.silent or not place:
                    continue
            upto = len(self.batches) if missed else place + 1
            messages = [each for batch in self.batches[place:upto] for each in batch.messages]
            reports = [each for batch in self.batches[place:upto] for each in batch.reports]
            upto = min(upto, len(self.batches))
            try:
                await receive(Batch(str(upto), tuple(messages), tuple(reports)))
                place, missed = upto, False
                self.taken_in = upto
                self.changed()
            except StoreError:
                self.raised += 1
                self.changed()
                await self.next_change(1.0)

    async def send(self, post: Post) -> str:
        self.attempts.append(post)
        self.changed()
        if gate := self.gates.get(post.room):
            await gate.wait()
        if self.down:
            raise ChatUnavailable
        self.trouble(post)
        event_id = self._take(post)
        self.changed()
        if self.lose_answers:
            self.lose_answers -= 1
            raise ChatUnavailable
        return event_id

    def _take(self, post: Post) -> str:
        if post.txn not in self._events:
            event_id = self._events[post.txn] = f"$b{len(self._events)}"
            if post.kind is PostKind.REACTION:
                self.signs[event_id] = (post.about or "", post.text.plain)
            elif post.kind is PostKind.REMOVAL:
                del self.signs[post.edits or ""]
            elif post.edits is None:
                self.messages[event_id] = Said(event_id, post)
            else:
                edited = self.messages[post.edits]
                edited.before.append(edited.plain)
                edited.post = post
        return self._events[post.txn]

    async def typing(self, room: str, *, on: bool) -> None:
        self.typed.append((room, on))

    def encrypted(self, room: str) -> bool | None:
        return self.encryption.get(room)

    async def own_posts(self, room: str, most: int) -> list[str]:
        return [said.plain for said in reversed(self.said(room))][:most]

    async def close(self) -> None:
        self._closed = True
        self.changed()

    def changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def next_change(self, within: float) -> bool:
        """Whether anything changed *within* so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def said(self, room: str = ROOM) -> list[Said]:
        """What the bot said in *room*, each message in its last state."""
        return [said for said in self.messages.values() if said.post.room == room]

    def signs_on(self, event_id: str) -> list[str]:
        """The signs that stand on the message *event_id* now."""
        return [sign for about, sign in self.signs.values() if about == event_id]

    def about(self, event_id: str) -> list[Said]:
        """What the bot said of the command *event_id*."""
        return [
            said
            for said in self.messages.values()
            if said.status is not None and said.status.command == event_id
        ]

    def final(self, event_id: str) -> Said | None:
        """The one final answer to *event_id*; a second one fails the test."""
        final = [said for said in self.about(event_id) if said.status and said.status.final]
        assert len(final) <= 1, final
        return final[0] if final else None

    async def until(self, holds: Callable[[], bool], within: float = 4_000.0) -> None:
        """Return once *holds*, looking after each change of the room."""
        async with asyncio.timeout(within):
            while not holds():
                await self._changed.wait()

    async def answer(self, event_id: str) -> Said:
        """The final answer to *event_id*, once it is there."""
        await self.until(lambda: self.final(event_id) is not None)
        said = self.final(event_id)
        assert said is not None
        return said


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
        self.host = host
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

    def _answer(self) -> None:
        if self.silent is not None:
            raise self.silent

    async def info(self) -> HostInfo:
        self._answer()
        return HostInfo(self.host, "4.17.6-pre", Size.mib(8192), self.free, self.caps)

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
