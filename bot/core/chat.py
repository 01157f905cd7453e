"""The seam between the engine and a chat: what comes in, what goes out.

A chat hands over batches and is told when each is safely stored; it sends posts, and the same
transaction id sent twice makes one message.  `bot.chat.matrix` and `bot.chat.terminal` are the
two sides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """A person's line as it was delivered: new, whole, no edit, no notice, no quote, not ours."""

    event_id: str
    room: str
    sender: str
    body: str


@dataclass(frozen=True)
class Batch:
    """What the chat brought since the last batch, and the token that names this point in time."""

    token: str
    messages: tuple[Message, ...] = ()


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

    def content(self) -> dict[str, Any]:
        """The JSON that travels with the message under `STATUS_KEY`."""
        return {
            "command": self.command,
            "job": self.job,
            "state": self.state,
            "final": self.final,
            "succeeded": self.succeeded,
            "waits": self.waits,
        }


STATUS_KEY = "org.nounou.status"


@dataclass(frozen=True)
class Post:
    """One message to send, or an edit of one that was sent."""

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


Receive = Callable[[Batch], Awaitable[None]]


class Chat(Protocol):
    """A place where people type."""

    async def run(self, receive: Receive, since: str | None) -> None:
        """Deliver batches for ever, starting after *since*.

        *receive* returns when the batch is stored; until then the next one is not fetched, and
        if it raises `StoreError` the same batch is delivered again after a pause.
        """

    async def send(self, post: Post) -> str:
        """Send *post* and return its event id.

        Raises `ChatUnavailable` when it may be tried again with the same `txn`, `ChatRefused`
        when never.
        """

    async def close(self) -> None:
        """Leave, freeing every connection."""
