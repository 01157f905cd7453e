"""The seam between the demonstration and the room in which it happens."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections.abc import Mapping
from typing import Any, Protocol

from bot.talk.transcript import Transcript


class Place(Protocol):
    """A room with the lab's persons in it: on a homeserver, or in this process."""

    transcript: Transcript
    #: whether the bot's standard input and output are the room
    on_pipes: bool
    #: what the bot must find in its environment
    environment: Mapping[str, str]

    async def open(self) -> None:
        """Make the room ready for everybody; raises `CannotStart`."""

    def config(self) -> Mapping[str, Any]:
        """The parts `chat` and `rooms` of the bot's configuration."""

    def welcome(self) -> list[str]:
        """What a person should know who wants to join."""

    async def attend(self, bot: Process) -> None:
        """Be there for one life of the bot; returns when it ends."""

    async def listen(self) -> None:
        """Hear what is said, until cancelled; raises `CannotStart` if the room falls down."""

    async def arrival(self) -> None:
        """Returns once the bot is in the room and will take in what is said from now on."""

    async def say(self, person: str, text: str) -> str:
        """Say *text* as *person*, once, and return the event id; raises `ChatRefused`."""

    async def sign(self, person: str) -> list[str]:
        """Sign every device of *person* as its owner would; returns those that were not signed.

        Raises `ChatRefused` or `ChatUnavailable`.
        """

    async def settle(self) -> None:
        """Catch up with what the bot said before it ended."""

    async def close(self) -> None:
        """Close the room and free everything."""
