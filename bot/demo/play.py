"""Playing a script: who says what, when the next line is due, and how it all ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from bot.core.text import is_command
from bot.demo.place import Place
from bot.demo.script import CODE, Say, Sleep, Step, Wait
from bot.errors import ChatRefused
from bot.i18n import _
from bot.talk.transcript import Transcript

#: how commands begin in the lab, as in every configuration that does not say otherwise
PREFIX = "!"


@dataclass(frozen=True)
class Line:
    """A line that was sent, and what must happen for it to have ended."""

    say: Say
    event_id: str
    command: bool
    #: whether the bot knows who spoke; a stranger's command is taken in and never answered
    known: bool
    refused: str = ""

    def ended(self, transcript: Transcript) -> bool:
        if not self.command or self.refused:
            return True
        if not self.known:
            return transcript.is_taken_in(self.event_id)
        answer = transcript.answer(self.event_id)
        return answer is not None and answer.final

    def waits(self, transcript: Transcript, *whom: str) -> bool:
        answer = transcript.answer(self.event_id)
        return answer is not None and not answer.final and answer.waits in whom

    def rests(self, transcript: Transcript, *whom: str) -> bool:
        """Whether it ended or waits for *whom*, and so does all that it let go on."""
        freed = (transcript.answer(each) for each in transcript.freed_by(self.event_id))
        return (self.ended(transcript) or self.waits(transcript, *whom)) and all(
            answer is None or answer.final or answer.waits in whom for answer in freed
        )

    def succeeded(self, transcript: Transcript) -> bool:
        if not self.command:
            return not self.refused
        answer = transcript.answer(self.event_id)
        return self.known and answer is not None and answer.succeeded

    def unanswered(self, transcript: Transcript) -> str:
        """A sentence for a line that did not end in time."""
        answer = transcript.answer(self.event_id)
        return _sentence(self.say, answer.state if answer is not None else _("no answer"))


@dataclass
class Play:
    """One performance of a script in a room."""

    place: Place
    #: the persons whom the bot knows
    members: Collection[str]
    #: seconds that each wait may take
    patience: float
    tell: Callable[[str], None]
    sent: list[Line] = field(default_factory=list)
    #: whether a wait took too long
    late: bool = False
    #: the line that is not sent yet, for want of a code
    unsent: Say | None = None

    async def perform(self, steps: Sequence[Step]) -> bool:
        """Play *steps*; true where every command succeeded and nothing was late."""
        try:
            for step in steps:
                await self._step(step)
            await self._everybody()
        except TimeoutError:
            self.late = True
            return False
        return all(line.succeeded(self.place.transcript) for line in self.sent)

    def unanswered(self) -> list[str]:
        """What had not ended when time was up."""
        transcript = self.place.transcript
        sentences = [
            line.unanswered(transcript)
            for line in self.sent
            if not line.ended(transcript) and not line.waits(transcript, "person")
        ]
        if self.unsent is not None:
            sentences.append(_sentence(self.unsent, _("not sent: no code was shown")))
        return sentences

    async def _step(self, step: Step) -> None:
        match step:
            case Sleep(seconds=seconds):
                await asyncio.sleep(seconds)
            case Wait():
                await self._everybody()
            case Say(waited=waited):
                line = await self._say(await self._with_code(step))
                if waited:
                    await self._until(lambda seen: line.rests(seen, "lock", "person"))

    async def _with_code(self, say: Say) -> Say:
        """*say* with the newest unused code in its place, once there is one."""
        if CODE not in say.text:
            return say
        self.unsent = say
        await self._until(lambda seen: bool(seen.codes))
        self.unsent = None
        return replace(say, text=say.text.replace(CODE, self.place.transcript.codes.pop()))

    async def _say(self, step: Say) -> Line:
        command = is_command(step.text, PREFIX)
        event_id, refused = "", ""
        async with asyncio.timeout(self.patience):
            try:
                event_id = await self.place.say(step.person, step.text)
            except ChatRefused as error:
                refused = str(error)
                self.tell(
                    _("line {number} is not in the room: {why}").format(
                        number=step.line, why=refused
                    )
                )
        line = Line(step, event_id, command, step.person in self.members, refused)
        self.sent.append(line)
        return line

    async def _everybody(self) -> None:
        """Until each command has ended or waits for a person."""
        await self._until(lambda seen: all(line.rests(seen, "person") for line in self.sent))

    async def _until(self, holds: Callable[[Transcript], bool]) -> None:
        transcript = self.place.transcript
        async with asyncio.timeout(self.patience):
            await transcript.until(lambda: holds(transcript))


def _sentence(say: Say, state: str) -> str:
    return _("line {number}, {person}: {text} ({state})").format(
        number=say.line, person=say.person, text=say.text[:200], state=state
    )
