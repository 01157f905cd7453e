"""The measurements themselves, one contestant's figures in one `Figures`."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles

from bench.person import Person
from bench.process import cpu_seconds, resident_mib
from bench.stage import Contestant, Stage

#: questions under way at any time while many are posted
AT_A_TIME = 16
#: as many of them at most go to what is no bot of ours: that some are lost shows soon
ECHOES = 300
#: turns before those that count
WARM_UP = 5
#: seconds between an answer and the next question, so that one contestant's tidying up does not
#: delay another's answer
PAUSE = 0.05
#: seconds without a word after which no more answers are expected
QUIET = 8.0
#: seconds in which a second answer to the same question would come
TWICE = 1.5
#: seconds for one answer
PATIENCE = 30.0


@dataclass(frozen=True)
class Harvest:
    """What became of many questions."""

    posted: int
    #: questions with at least one answer
    answered: int
    #: answers too many
    repeated: int
    #: answers that came before the answer to an earlier question
    misplaced: int
    #: from the first question (or the wake-up) to the last answer
    seconds: float

    @classmethod
    def of(cls, questions: list[str], answers: list[str], seconds: float) -> Harvest:
        place = {question: number for number, question in enumerate(questions)}
        first = list(dict.fromkeys(answers))
        misplaced = sum(place[one] > place[other] for one, other in pairwise(first))
        return cls(len(questions), len(first), len(answers) - len(first), misplaced, seconds)


@dataclass
class Figures:
    """All that was measured of one contestant."""

    name: str
    #: seconds until it was in the room, right after its first sync
    start: float
    #: MiB in RAM after the start, before the first question
    rest: float = 0.0
    #: seconds from a question to its answer
    pings: list[float] = field(default_factory=list)
    #: processor seconds a ping
    cpu: float = 0.0
    #: many questions at a time
    flood: Harvest | None = None
    #: questions that were posted while it was stopped
    stopped: Harvest | None = None
    #: MiB in RAM after everything
    end: float = 0.0

    def percentile(self, percent: int) -> float:
        return quantiles(self.pings, n=100, method="inclusive")[percent - 1]


async def measure(
    stage: Stage,
    *,
    turns: int,
    flood: int,
    stopped: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Figures]:
    """Measure every contestant of *stage*: pings in turns, the rest one after the other."""
    table = {each.name: Figures(each.name, each.start) for each in stage.contestants}
    await asyncio.sleep(2)
    for each in stage.contestants:
        table[each.name].rest = resident_mib(each.pid)
    say(f"{turns} turns of one ping each")
    await _pings(stage, WARM_UP)
    before = {each.name: cpu_seconds(each.pid) for each in stage.contestants}
    for name, pings in (await _pings(stage, turns)).items():
        table[name].pings = pings
    for each in stage.contestants:
        table[each.name].cpu = (cpu_seconds(each.pid) - before[each.name]) / turns
    for each in stage.contestants:
        figures = table[each.name]
        count = flood if each.is_ours else min(flood, ECHOES)
        say(f"{each.name}: {count} questions, {AT_A_TIME} at a time")
        figures.flood = await _flood(stage.person, each, count)
        say(f"{each.name}: {stopped} questions while it is stopped")
        figures.stopped = await _stopped(stage.person, each, stopped, seconds)
        figures.end = resident_mib(each.pid)
    return list(table.values())


async def _pings(stage: Stage, turns: int) -> dict[str, list[float]]:
    pings: dict[str, list[float]] = {each.name: [] for each in stage.contestants}
    for _turn in range(turns):
        for each in stage.contestants:
            pings[each.name].append(await stage.person.ping(each.room, PATIENCE))
            await asyncio.sleep(PAUSE)
    return pings


async def _flood(person: Person, contestant: Contestant, count: int) -> Harvest:
    """Many questions, counted from the first of them."""
    earlier = _Earlier.of(person, contestant.room)
    began = time.perf_counter()
    await person.flood(contestant.room, count, AT_A_TIME)
    return await earlier.harvest(person, count, began)


async def _stopped(person: Person, contestant: Contestant, count: int, seconds: float) -> Harvest:
    """Many questions to a process that is stopped for *seconds* or more, from its waking."""
    earlier = _Earlier.of(person, contestant.room)
    os.kill(contestant.pid, signal.SIGSTOP)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(seconds))
            group.create_task(person.flood(contestant.room, count, AT_A_TIME))
    finally:
        os.kill(contestant.pid, signal.SIGCONT)
    return await earlier.harvest(person, count, time.perf_counter())


@dataclass(frozen=True)
class _Earlier:
    """What was said in a room before many questions are posted there."""

    room: str
    questions: int
    answers: int

    @classmethod
    def of(cls, person: Person, room: str) -> _Earlier:
        return cls(room, len(person.questions[room]), len(person.answers[room]))

    async def harvest(self, person: Person, count: int, began: float) -> Harvest:
        """Wait until *count* questions are answered or no more answers come, and count them."""

        def answers() -> list[str]:
            return person.answers[self.room][self.answers :]

        await person.quiet(QUIET, lambda: len(set(answers())) >= count)
        last = max((person.seen[question] for question in answers()), default=began)
        await asyncio.sleep(TWICE)
        return Harvest.of(person.questions[self.room][self.questions :], answers(), last - began)
