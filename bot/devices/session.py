"""The seam between drivers and wires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bot.core.text import MASK

T = TypeVar("T")


@dataclass(frozen=True)
class Output:
    """What a device answered: text, and the exit code (0 where the wire has none)."""

    stdout: str
    stderr: str = ""
    exit: int = 0
    #: how many of a visit's keys were typed
    typed: int = 0


def anything(_seen: str) -> bool:
    """Says yes to whatever is seen."""
    return True


@dataclass(frozen=True)
class Visit:
    """How a command is used that takes a terminal over and never ends by itself: look, type, leave.

    The wire gives the command a terminal and reads until nothing came for `quiet` seconds, or for
    `longest` in all.  Where `may_type` says so of what came, each of the `keys` is typed by itself,
    and what comes is read in the same way after each.  Then it types `leave`, by itself too, and
    waits for the end.
    """

    #: typed alone: Xen's console client lets go of the guest only where it reads this one byte and
    #: nothing else (xen tools/console/client/main.c)
    leave: bytes
    keys: tuple[bytes, ...] = ()
    #: told all that came so far; False: nothing is typed but `leave`
    may_type: Callable[[str], bool] = anything
    quiet: float = 0.7
    longest: float = 3.0


@dataclass(frozen=True)
class Call(Generic[T]):
    """One command for a device, and how to read what comes back.

    `words` are quoted by the session, in one place, so that a name can never become a second
    command.  A call that `changes` something is never sent twice: when the link drops after it was
    sent, the session raises `OutcomeUnknown`, and the state of the device must be read back.
    """

    words: tuple[str, ...]
    #: raises `DeviceError` where the answer is an error or cannot be understood
    parse: Callable[[Output], T]
    changes: bool = False
    #: seconds, where the default of the session does not do
    timeout: float | None = None
    #: the places of words that nobody may read, in the record neither
    secrets: frozenset[int] = frozenset()
    #: how many words at the beginning are a script of ours, and say nothing to people
    script: int = 0
    #: where only the end of the answer is wanted: so many bytes of each stream, however much comes
    last: int | None = None
    #: for a command that takes a terminal; one that types something `changes` something
    visit: Visit | None = None

    @property
    def shown(self) -> tuple[str, ...]:
        """The words as people may read them."""
        words = (MASK if place in self.secrets else word for place, word in enumerate(self.words))
        return tuple(words)[self.script :]

    @property
    def hidden(self) -> tuple[str, ...]:
        """The words that nobody may read."""
        return tuple(self.words[place] for place in sorted(self.secrets))

    @property
    def keys(self) -> str:
        """What is typed, as people may read it; empty for nothing."""
        keys = self.visit.keys if self.visit is not None else ()
        return " ".join(ascii(key.decode(errors="replace")) for key in keys)


class Session(Protocol):
    """A command line on a device: ssh, telnet, or the lab's memory."""

    async def run(self, call: Call[T]) -> T:
        """Send *call* once and read the answer.

        Raises `Unreachable` when nothing was sent or a call that changes nothing got no answer in
        time, `OutcomeUnknown` when a call that changes something may have been taken, and
        `DeviceError` from `parse` or for words that this wire cannot carry.
        """

    async def close(self) -> None:
        """Close the wire; the next `run` opens it again."""
