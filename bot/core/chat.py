"""The seam between the engine and a chat: what comes in, what goes out.

A chat hands over batches and is told when each is safely stored; it sends posts, and the same
transaction id sent twice makes one message.  `bot.chat.matrix` and `bot.chat.terminal` are the
two sides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from bot.core.units import Size
from bot.i18n import _


class Kind(Enum):
    """What somebody did in the room."""

    #: a line, new and whole: no edit, no notice, no quote, not ours
    LINE = "line"
    #: a line that replaces an earlier one; `body` is the new text
    EDIT = "edit"
    #: a message was taken back; `target` is its event id
    REMOVAL = "removal"
    #: something was said under a key that the bot does not have
    UNREADABLE = "unreadable"
    #: somebody put the sign `body` on the message `target`; no sign is ever encrypted
    REACTION = "reaction"


class Proof(Enum):
    """What is known of the device that a message came from."""

    #: nothing: in a plain room the homeserver can forge anyone
    PLAIN = "plain"
    #: encrypted by a device that its owner signed with the key that is pinned for them
    SIGNED = "signed"
    #: encrypted by a device that its owner has not signed
    UNSIGNED = "unsigned"
    #: encrypted by a device that is signed with another key than the one that is pinned
    CHANGED = "changed"
    #: typed on the bot's own host, by an OS user that the kernel vouches for
    LOCAL = "local"
    #: typed at the demonstration's terminal, which never leaves this machine
    TERMINAL = "terminal"
    #: no message but a sign on one: it is never encrypted, and counts for little
    REACTION = "reaction"


#: what no owner vouches for, though the message is encrypted
UNPROVEN = frozenset({Proof.UNSIGNED, Proof.CHANGED})
#: what no homeserver can make up
VOUCHED = frozenset({Proof.SIGNED, Proof.LOCAL, Proof.TERMINAL})


@dataclass(frozen=True)
class Message:
    """What one person did, as it was delivered, in the order of the room."""

    event_id: str
    room: str
    sender: str
    body: str = ""
    kind: Kind = Kind.LINE
    proof: Proof = Proof.PLAIN
    #: names the key and the place in its chain that this was encrypted with; one seal, one message,
    #: so a second event under it is a replay.  Empty where nothing was encrypted
    seal: str = ""
    #: the event that a REMOVAL takes back, that an EDIT replaces, or that a REACTION stands on
    target: str = ""
    #: the event that begins the thread in which it was typed; empty outside of threads
    thread: str = ""
    #: the event that it answers, because a person chose to; empty for none
    answers: str = ""


@dataclass(frozen=True)
class Quoted:
    """A message of a room, by whomever, as the chat has kept it."""

    event_id: str
    sender: str
    body: str
    #: seconds since 1970, by the clock of the chat's server
    at: float
    #: the message that began the thread in which it stands; empty for none
    thread: str = ""


@dataclass(frozen=True)
class Report:
    """Something that the administrators should know, said once for each `key`, ever."""

    key: str
    sentence: str


@dataclass(frozen=True)
class Batch:
    """What the chat brought since the last batch, and the token that names this point in time.

    A batch with a token is also proof of life: an empty one with an old token says that the chat
    was heard from.  The commands of one that comes after a long silence are not run, but listed.
    """

    #: None where the chat has no place to go on from: what it brings is delivered once, now, and is
    #: never late
    token: str | None
    messages: tuple[Message, ...] = ()
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True)
class Text:
    """One text twice: plain, and as HTML in which everything foreign is escaped."""

    plain: str
    html: str


@dataclass(frozen=True)
class Status:
    """What a post says of a command, for machines: which event asked, which job, in what state."""

    command: str
    job: int
    state: str
    #: true once nothing more will come: succeeded, failed, denied…
    final: bool
    succeeded: bool = False
    #: why the job waits: "lock" or "person"; empty while it does not
    waits: str = ""
    #: further events that asked and of which the same is true
    also: Sequence[str] = ()
    #: the code that somebody has to type for the job to go on; empty where none is awaited
    code: str = ""
    #: events that asked and that wait for no person any more, on account of this one
    frees: Sequence[str] = ()

    def content(self) -> dict[str, Any]:
        """The JSON that travels with the message under `STATUS_KEY`."""
        more: dict[str, Any] = {"also": list(self.also)} if self.also else {}
        if self.code:
            more["code"] = self.code
        if self.frees:
            more["frees"] = list(self.frees)
        return {
            "command": self.command,
            "job": self.job,
            "state": self.state,
            "final": self.final,
            "succeeded": self.succeeded,
            "waits": self.waits,
            **more,
        }


STATUS_KEY = "org.nounou.status"

#: characters of an attached file that are shown where there are no files
LONGEST_SHOWN = 32_768


class PostKind(Enum):
    """What a post does."""

    #: says something, or replaces what was said
    TEXT = "text"
    #: puts the sign in `text` on the event that it is about
    REACTION = "reaction"
    #: takes back the event that it `edits`
    REMOVAL = "removal"
    #: puts the message that it `edits` among those that the room has pinned
    PIN = "pin"
    #: takes the message that it `edits` from among them
    UNPIN = "unpin"


@dataclass(frozen=True)
class Picture:
    """A picture as a file: PNG."""

    name: str
    png: bytes
    #: whether it shows more than anybody says in the room anyway, as a screen may
    secret: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as the file says (its header, RFC 2083, 4.1.1)."""
        width, height = self.png[16:20], self.png[20:24]
        return int.from_bytes(width, "big"), int.from_bytes(height, "big")


@dataclass(frozen=True)
class Post:
    """One message to send, an edit of one that was sent, or a sign on one."""

    room: str
    #: the same id sent twice makes one message
    txn: str
    text: Text
    #: the event that this belongs to; in a thread under it where `threaded`, else in the room
    about: str | None = None
    threaded: bool = False
    #: the event id of the message that this replaces
    edits: str | None = None
    status: Status | None = None
    #: chat ids of persons to call
    mentions: tuple[str, ...] = ()
    #: where the room is encrypted: whether devices that nobody signed may read this one as well.
    #: For sentences that tell their owner to sign them, and that hold nothing secret
    to_unsigned: bool = False
    kind: PostKind = PostKind.TEXT
    #: the name of a file that comes with the text, and what it holds; empty for none
    file: str = ""
    attachment: str = ""
    #: the bot's own message in whose thread this belongs: its txn in the outbox, its event id here
    under: str | None = None
    #: a picture, of which the text is then the caption; with it, no file and no edit
    picture: Picture | None = None
    #: from when on the message is to be taken back (seconds since 1970); None: never
    expires: float | None = None

    @property
    def words(self) -> str:
        """All that it says, for a chat without files; of a file that is long only the beginning.

        Of a picture only what it is called.
        """
        if self.picture is not None:
            named = _("(picture {name}, {size})").format(
                name=self.picture.name, size=Size(len(self.picture.png))
            )
            return "\n".join(filter(None, (self.text.plain, named)))
        if not self.attachment:
            return self.text.plain
        shown = self.attachment[:LONGEST_SHOWN]
        left = len(self.attachment) - len(shown)
        more = _("\n… and {count} characters more").format(count=left) if left else ""
        return f"{self.text.plain}\n{shown}{more}".rstrip("\n")


@dataclass(frozen=True)
class OwnPosts:
    """What a chat has kept of what the bot said in a room."""

    #: newest first, edits and what cannot be read left out
    texts: Sequence[str]
    #: the events that were messages of the bot and were taken back, by whomever
    removed: Sequence[str] = ()


Receive = Callable[[Batch], Awaitable[None]]


class Chat(Protocol):
    """A place where people type."""

    async def run(self, receive: Receive, since: str | None) -> None:
        """Deliver batches for ever, starting after *since*.

        *receive* returns when the batch is stored; until then the next one is not fetched, and
        if it raises `StoreError` the same batch is delivered again after a pause.  Each time that
        the chat was heard from is a batch, an empty one too.  What was said while nobody listened
        comes in one batch.
        """

    async def send(self, post: Post) -> str:
        """Send *post* and return its event id.

        Raises `ChatUnavailable` when it may be tried again with the same `txn`, `ChatRefused`
        when never.
        """

    async def typing(self, room: str, *, on: bool) -> None:
        """Show in *room* that the bot is at work, or no longer; a nicety, so it never raises."""

    def encrypted(self, room: str) -> bool | None:
        """Whether *room* is encrypted; None while that is not known, or has no meaning here."""

    async def own_posts(self, room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
        """The last messages that the bot itself said in *room* with one of these *beginnings*.

        As the chat kept them, not as the bot remembers them: *most* of them, or fewer where it
        would take too long to find as many.  Raises `ChatUnavailable` where the chat does not say,
        or keeps nothing.
        """

    async def quoted(self, room: str, event_id: str) -> Quoted | None:
        """The message *event_id* of *room*; None where there is none, or where it cannot be read.

        Raises `ChatUnavailable` where the chat does not say now.  Where nobody can point at a
        message there is none to ask for, and this does.
        """
        return None

    async def close(self) -> None:
        """Leave, freeing every connection."""
