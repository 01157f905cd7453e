"""Holds in the store, and what they keep from being done; nothing overrides them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Post
from bot.core.command import Command
from bot.core.grammar import Bound
from bot.core.holds import Aim, Hold, HoldKind, against, aim_of
from bot.core.jobs import State
from bot.core.plan import Plan
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.engine import audit_log, jobs, outbox, schema
from bot.engine.mirror import Mirror
from bot.engine.notices import notice
from bot.errors import Refused
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine
    from bot.engine.jobs import Job
    from bot.engine.run import Run

#: the rights to commands that are about holds: they touch no held thing, they name it
_ABOUT_HOLDS = ("hold.", "host.maintenance")


class Holds:
    """The holds of this site."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._mirror = Mirror(engine.store, schema.holds, _hold)
        engine.timekeeper.due("holds", self._mirror.next_due, self._end)

    async def load(self) -> None:
        """Learn what the store has; raises `StoreError`."""
        await self._mirror.load()

    @property
    def standing(self) -> list[Hold]:
        """All holds that count now, oldest first."""
        return self._mirror.active(self._engine.clock())

    def on(self, kind: HoldKind, name: str) -> list[Hold]:
        """The holds of one kind on what is called *name*."""
        return [hold for hold in self.standing if hold.kind is kind and hold.name == name]

    def demand(self, run: Run, command: Command, bound: Bound, plan: Plan | None = None) -> None:
        """Raise `Refused` where a hold stands against what *run* is about to do.

        Called again with each thing that is found out, and last under the locks.
        """
        run.aim = _aim(command, bound, plan)
        if barring := self.against(run.aim):
            now = self._engine.clock()
            # each with its own way on, which is another one for every holder
            first, *rest = [
                line
                for hold in barring
                for line in (hold.sentence(now), self._how_on(hold, run.job.person))
            ]
            raise Refused(first, hint="\n".join(rest))

    def objections(self, command: Command, bound: Bound, plan: Plan) -> list[str]:
        """What stands against it, a sentence each, for a command that is only tried."""
        barring = self.against(_aim(command, bound, plan))
        return [hold.sentence(self._engine.clock()) for hold in barring]

    def against(self, aim: Aim) -> list[Hold]:
        """The holds that bar what has this *aim*, oldest first."""
        return against(self.standing, aim)

    def jobs_on(self, hold: Hold) -> list[str]:
        """What becomes of the jobs that are about to do what *hold* bars, a sentence each."""
        runs = [run for run in self._engine.running.values() if hold.bars(run.aim)]
        going_on = {run.job.id for run in runs if run.plan or run.job.state is State.RUNNING}
        waiting = {run.job.id for run in runs} - going_on
        goes_on = _("Job {job} is running on it and goes on.")
        if hold.kind is HoldKind.MAINTENANCE:
            goes_on = _("Job {job} brings a guest to it and goes on.")
        refused = _("Job {job} waits, and is refused at its turn.")
        return [
            *(goes_on.format(job=job) for job in sorted(going_on)),
            *(refused.format(job=job) for job in sorted(waiting)),
        ]

    async def place(
        self,
        job: Job,
        verb: str,
        kind: HoldKind,
        name: str,
        *,
        identity: str = "",
        reason: str,
        until: float | None = None,
    ) -> Hold:
        """Place the hold that *job* asks for.

        Raises `Refused` where its asker holds that already, or where maintenance is on already.
        """
        now = self._engine.clock()
        async with self._mirror.write() as tx:
            hold = await self._mirror.add(
                tx,
                kind=kind.value,
                name=name,
                identity=identity,
                reason=reason,
                by=job.person,
                job=job.id,
                since=now,
                until=until,
            )
            self._demand_new(hold, now)
            await _record(tx, "hold placed", hold, now, job=job, verb=verb)
            await jobs.done(tx, job.id, hold.sentence(now))
        self._engine.timekeeper.poke()
        return hold

    def _demand_new(self, hold: Hold, now: float) -> None:
        for other in self._mirror.active(now):
            shared = hold.kind is not HoldKind.MAINTENANCE and other.by != hold.by
            if hold.same_thing(other) and not shared:
                raise Refused(other.sentence(now), hint=self._how_on(other, hold.by))

    async def release(self, job: Job, verb: str, holds: Iterable[Hold], sentence: str) -> None:
        """End *holds* on the word of *job*, which says so with *sentence*.

        Whoever else placed one is told in the main room.
        """
        now = self._engine.clock()
        async with self._mirror.write() as tx:
            for hold in holds:
                if await self._mirror.end(tx, hold.id, "released", now):
                    await _record(tx, "hold released", hold, now, job=job, verb=verb)
                    if hold.by != job.person and hold.kind is not HoldKind.MAINTENANCE:
                        await outbox.put(tx, self._told_released(hold, job))
            await jobs.done(tx, job.id, sentence)
        self._engine.outbox.wake()

    async def _end(self, now: float) -> None:
        """End what is over by *now*, with a notice."""
        async with self._mirror.write() as tx:
            for hold in self._mirror.over(now):
                if await self._mirror.end(tx, hold.id, "ended", now):
                    await _record(tx, "hold ended", hold, now)
                    await outbox.put(tx, self._told_over(hold))
        self._engine.outbox.wake()

    def _told_released(self, hold: Hold, job: Job) -> Post:
        sentence = _("{who}, {person} released your hold on {what} ({why}).").format(
            who=hold.by, person=job.person, what=hold.kind.of(hold.name), why=hold.reason
        )
        return self._notice(hold, sentence)

    def _told_over(self, hold: Hold) -> Post:
        sentence = _("{who}, your hold on {what} is over: {why}").format(
            who=hold.by, what=hold.kind.of(hold.name), why=hold.reason
        )
        return self._notice(hold, sentence)

    def _notice(self, hold: Hold, sentence: str) -> Post:
        return notice(self._engine, f"hold-{hold.id}-over", Reply(sentence), [hold.by])

    def _how_on(self, hold: Hold, person: str) -> str:
        """How whoever is barred by *hold* goes on."""
        values = {"prefix": self._engine.prefix, "name": hold.name, "who": hold.by}
        if hold.kind is HoldKind.MAINTENANCE:
            return _("{prefix}host maintenance {name} off ends it.").format(**values)
        if hold.by == person:
            return _("{prefix}release {name} ends it.").format(**values)
        return _(
            "Nothing overrides a hold. Ask {who}; {prefix}release {name} --all ends it as well."
        ).format(**values)


def _aim(command: Command, bound: Bound, plan: Plan | None) -> Aim:
    """What *command* would touch; nothing where it only reads, or is about the hold itself."""
    risk = max(command.risk, (plan and plan.risk) or Risk.READS)
    if risk is Risk.READS or command.needs.startswith(_ABOUT_HOLDS):
        return Aim()
    return aim_of(bound.objects, plan)


def _hold(**values: Any) -> Hold:
    return Hold(**(values | {"kind": HoldKind(values["kind"])}))


async def _record(
    tx: AsyncConnection,
    event: str,
    hold: Hold,
    now: float,
    *,
    job: Job | None = None,
    verb: str = "",
) -> None:
    """The entry that *event* leaves in the record; of the bot itself where no *job* asked."""
    data = {
        "person": job.person if job is not None else audit_log.BOT,
        "job": job.id if job is not None else hold.job,
        "verb": verb or "hold.place",
        "objects": [hold.name],
        "hold": hold.id,
        "kind": hold.kind.value,
        "identity": hold.identity,
        "by": hold.by,
        "reason": hold.reason,
        "until": hold.until,
    }
    await audit_log.append(tx, event, data, now)
