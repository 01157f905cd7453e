"""A chat in memory: a fake that speaks values."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.core.chat import (
    Batch,
    Kind,
    Message,
    OwnPosts,
    Post,
    PostKind,
    Proof,
    Quoted,
    Receive,
    Status,
)
from bot.errors import ChatRefused, ChatUnavailable, StoreError

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
        #: the messages that each room has pinned; where nobody lets the bot, it says so instead
        self.pins: dict[str, list[str]] = {}
        self.may_pin = True
        #: which of the bot's messages were taken back in each room, by whomever
        self.taken_back: defaultdict[str, list[str]] = defaultdict(list)
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
        self,
        body: str,
        sender: str = NOUNOU,
        room: str = ROOM,
        proof: Proof = Proof.PLAIN,
        *,
        thread: str = "",
        answers: str = "",
    ) -> str:
        """A person's line, in a batch of its own; returns its event id.

        In the thread that the event *thread* begins, and as an answer to the event *answers*.
        """
        (line,) = self._lines([body], sender, room, proof)
        self.deliver([replace(line, thread=thread, answers=answers)])
        return line.event_id

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
        messages = self._lines(bodies, sender, room, proof)
        self.deliver(messages)
        return [message.event_id for message in messages]

    def _lines(
        self, bodies: Iterable[str], sender: str, room: str, proof: Proof
    ) -> tuple[Message, ...]:
        first = sum(len(batch.messages) for batch in self.batches)
        return tuple(
            Message(f"$m{number}", room, sender, body, proof=proof)
            for number, body in enumerate(bodies, first)
        )

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
        if post.kind is PostKind.PIN and not self.may_pin:
            raise ChatRefused(f"give me power level 50 in {post.room} to pin")
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
                self._remove(post.edits or "")
            elif post.kind in (PostKind.PIN, PostKind.UNPIN):
                self._pin(post)
            elif post.edits is None:
                self.messages[event_id] = Said(event_id, post)
            else:
                edited = self.messages[post.edits]
                edited.before.append(edited.plain)
                edited.post = post
        return self._events[post.txn]

    def _remove(self, event_id: str) -> None:
        if event_id in self.signs:
            del self.signs[event_id]
        else:
            self.take_back(self.messages[event_id])

    def _pin(self, post: Post) -> None:
        others = [each for each in self.pins.get(post.room, ()) if each != post.edits]
        if post.kind is PostKind.PIN and post.edits is not None:
            others.append(post.edits)
        self.pins[post.room] = others

    async def typing(self, room: str, *, on: bool) -> None:
        self.typed.append((room, on))

    def encrypted(self, room: str) -> bool | None:
        return self.encryption.get(room)

    async def own_posts(self, room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
        texts = [said.plain for said in reversed(self.said(room))]
        found = [text for text in texts if text.startswith(beginnings)]
        return OwnPosts(found[:most], self.taken_back[room])

    async def quoted(self, room: str, event_id: str) -> Quoted | None:
        if self.down:
            raise ChatUnavailable
        for batch in self.batches:
            for each in batch.messages:
                if (each.room, each.event_id, each.kind) == (room, event_id, Kind.LINE):
                    return Quoted(event_id, each.sender, each.body, 0.0, each.thread)
        said = self.messages.get(event_id)
        return None if said is None else Quoted(event_id, "@bot:localhost", said.plain, 0.0)

    def take_back(self, said: Said) -> None:
        """Remove what the bot *said*, as a homeserver's administrator can."""
        del self.messages[said.event_id]
        self.taken_back[said.post.room].append(said.event_id)

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
