"""What an onlooker has seen in the room, edits folded, and how far each command has come.

Every room, Synapse's, the terminal's and the local one, is told here in the same words, so that a
script means the same in all.  Everything that comes in was written by others: it is read, never
trusted.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

#: what goes into a line in place of `{code}`: one word, however it is written
_CODE = re.compile(r"[\w-]{1,40}", re.ASCII)


@dataclass(frozen=True)
class Answer:
    """The newest status that the bot gave for one command."""

    state: str
    final: bool
    succeeded: bool
    waits: str
    #: what somebody has to type for it to go on
    code: str = ""

    @classmethod
    def read(cls, content: Any) -> tuple[str, Answer] | None:
        """The command's event id and its answer; None where *content* is no status."""
        if not isinstance(content, Mapping) or not isinstance(content.get("command"), str):
            return None
        final, code = content.get("final") is True, content.get("code")
        return content["command"], cls(
            state=str(content.get("state", "")),
            final=final,
            succeeded=final and content.get("succeeded") is True,
            waits=str(content.get("waits", "")),
            code=code if isinstance(code, str) and _CODE.fullmatch(code) else "",
        )


@dataclass(frozen=True)
class Seen:
    """One message in its last state; `fresh` is what its last edit brought."""

    event_id: str
    sender: str
    text: str
    #: the text before the last edit; None while there was none
    before: str | None = None
    final: bool = False
    #: the event id of the command that the bot says this of; empty for anything else
    command: str = ""

    @property
    def news(self) -> list[str]:
        """The lines to show of it now: of an edit what is new, and the whole once it is final."""
        lines = printable(self.text).split("\n")
        if self.before is None or self.final:
            return lines
        known = set(printable(self.before).split("\n"))
        return [line for line in lines if line not in known]


class Transcript:
    """The room in the order in which it was spoken."""

    def __init__(self, bot: str = "bot") -> None:
        self._bot = bot
        self._messages: dict[str, Seen] = {}
        self._places: dict[str, int] = {}
        self._answers: dict[str, Answer] = {}
        #: the last word of each command that waits for no person any more; until it says another,
        #: older edits may still come that repeat it
        self._freed: dict[str, Answer] = {}
        #: which commands each command let go on
        self._frees: dict[str, list[str]] = {}
        #: every code that the bot has shown
        self._shown: set[str] = set()
        #: those that nobody has taken from here yet, oldest first
        self.codes: list[str] = []
        self._marks: set[str] = set()
        #: messages that stand there as a cover
        self._veiled: set[str] = set()
        self._taken_in = -1
        self._changed = asyncio.Event()
        #: called with each message as it comes, and again with each of its edits
        self.watch: Callable[[Seen], None] | None = None

    def add(
        self, event_id: str, sender: str, text: str, *, edits: str | None = None, status: Any = None
    ) -> None:
        """A message was spoken, or the one that it *edits* was changed; twice the same is once."""
        if event_id in self._veiled and edits is None:
            self._veiled.discard(event_id)  # what it covered takes its place
        elif event_id in self._places and event_id not in self._veiled:
            return
        self.pass_by(event_id)
        command, final = self._note(status) if sender == self._bot else ("", False)
        target = edits or event_id
        old = self._messages.get(target)
        if old is not None and edits is not None and old.sender != sender:
            return
        before = old.text if old is not None and edits is not None else None
        self._veiled.discard(target)
        self._messages[target] = seen = Seen(target, sender, text, before, final, command)
        if self.watch is not None:
            self.watch(seen)
        self._ring()

    def veil(self, event_id: str, sender: str, cover: str) -> None:
        """A message was spoken that nobody here can read yet; *cover* stands there until then."""
        if event_id not in self._places:
            self.add(event_id, sender, cover)
            self._veiled.add(event_id)

    def pass_by(self, event_id: str) -> None:
        """Something happened that is no message; read marks may stand on it all the same."""
        if event_id in self._veiled:
            self._veiled.discard(event_id)
            del self._messages[event_id]
        self._places.setdefault(event_id, len(self._places))
        if event_id in self._marks:
            self.take_in(event_id)

    def take_in(self, event_id: str) -> None:
        """The bot has read up to *event_id*."""
        self._marks.add(event_id)
        self._taken_in = max(self._taken_in, self._places.get(event_id, -1))
        self._ring()

    def answer(self, event_id: str) -> Answer | None:
        return self._answers.get(event_id)

    def awaited(self) -> list[str]:
        """The codes that somebody has to type for something to go on."""
        return [each.code for each in self._answers.values() if each.code and each.waits]

    def freed_by(self, event_id: str) -> list[str]:
        """The commands that the command *event_id* let go on."""
        return self._frees.get(event_id, [])

    def has(self, event_id: str) -> bool:
        return event_id in self._places

    def is_taken_in(self, event_id: str) -> bool:
        return self._places.get(event_id, self._taken_in + 1) <= self._taken_in

    def lines(self) -> list[str]:
        """``sender: text`` for each line of each message in its last state."""
        return [
            f"{seen.sender}: {line}".rstrip()
            for seen in self._messages.values()
            for line in printable(seen.text).split("\n")
        ]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once *holds*; it is asked again whenever the room changes."""
        while not holds():
            await self._changed.wait()

    async def quiet(self, seconds: float) -> None:
        """Return once nothing has changed for *seconds*."""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()

    def _note(self, content: Any) -> tuple[str, bool]:
        """Keep the newest answer; the command that it is about, and whether this one is final."""
        status = Answer.read(content)
        if status is None:
            return "", False
        command, answer = status
        for each in (command, *_texts(content, "also")):
            self._learn(each, answer)
        frees = _texts(content, "frees")
        self._frees.setdefault(command, []).extend(frees)
        for each in frees:
            self._free(each)
        self._show(answer.code)
        return command, answer.final

    def _learn(self, command: str, answer: Answer) -> None:
        known = self._answers.get(command)
        if known is not None and known.final:
            return
        if self._freed.get(command) == answer:
            answer = replace(answer, waits="")
        else:
            self._freed.pop(command, None)
        self._answers[command] = answer

    def _free(self, command: str) -> None:
        """*command* waits for no person any more, though the newest word of itself says so."""
        known = self._answers.get(command)
        if known is not None and known.waits == "person":
            self._freed[command] = known
            self._answers[command] = replace(known, waits="")

    def _show(self, code: str) -> None:
        """Keep *code*, which every edit of its message repeats, the first time that it is seen."""
        if code and code not in self._shown:
            self._shown.add(code)
            self.codes.append(code)

    def _ring(self) -> None:
        rung, self._changed = self._changed, asyncio.Event()
        rung.set()


def _texts(content: Mapping[str, Any], key: str) -> list[str]:
    """The event ids that the status *content* lists under *key*."""
    listed = content.get(key)
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []


def printable(text: str) -> str:
    """*text* without what a terminal would obey: control and format characters become ``�``."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else "\ufffd"
        for character in text.replace("\r\n", "\n")
    )
