"""Giving somebody a right for a time, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.fitting import misfits
from bot.core.plan import Line, Plan, PlannedStep, Verdict
from bot.core.policy import Right
from bot.core.text import clean, did_you_mean
from bot.core.units import moment, span
from bot.engine import audit_log, jobs
from bot.engine.context import Context
from bot.engine.grants import Grant
from bot.engine.lapse import end_grant
from bot.errors import Refused, UsageError
from bot.i18n import _

#: seconds that a grant lasts at least and at most: shorter ends while it is being typed about, and
#: what lasts longer than a week belongs into the config, where everybody reads it
SHORTEST, LONGEST = 60.0, 7 * 86400.0
#: how many characters of a reason are kept
LONGEST_REASON = 300
#: what nobody gets by a grant: what decides who may do what
_NEVER = ("access.*", "config.*")


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to grant, as it was typed."""

    person: str
    right: Right
    seconds: float
    reason: str

    @classmethod
    def parse(cls, person: str, words: Sequence[str], usage: str) -> Wanted:
        """Read ``RIGHT for TIME reason WHY``; raises `UsageError` with the *usage* otherwise."""
        right, rest = _until("for", words)
        time, reason = rest[:1], rest[2:]
        if not right or not time or rest[1:2] != ["reason"] or not reason:
            raise UsageError(
                _("A grant says to whom, which right, for how long and for what reason."),
                hint=_("Usage: {usage}").format(usage=usage),
            )
        return cls(person, _right(right), span(time[0]), clean(" ".join(reason), LONGEST_REASON))

    def until(self, ctx: Context) -> float:
        """When it ends: counted from when it was typed, so that all read the same in the plan."""
        return ctx.job.created + self.seconds

    def sentence(self, ctx: Context) -> str:
        return _("{by} grants {person}: {right}, until {until} ({reason})").format(
            by=ctx.person,
            person=self.person,
            right=self.right,
            until=moment(self.until(ctx), ctx.job.created),
            reason=self.reason,
        )


def _until(word: str, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before *word*, and what stands after it."""
    place = words.index(word) if word in words else len(words)
    return [*words[:place]], [*words[place + 1 :]]


def _right(words: Sequence[str]) -> Right:
    try:
        return Right.parse(" ".join(words))
    except ValueError as error:
        raise UsageError(
            _("This is not a right: {why}.").format(why=error),
            hint=_("Write it as in the configuration, like domu.migrate on vm-*."),
        ) from error


def demand(ctx: Context, wanted: Wanted) -> None:
    """Make sure that the asker may grant *wanted*; raises `Refused`."""
    _demand_person(ctx, wanted.person)
    if not SHORTEST <= wanted.seconds <= LONGEST:
        raise Refused(_("A grant lasts a minute at least and seven days at most."))
    if wanted.until(ctx) <= ctx.engine.clock():
        raise Refused(_("The time of this grant is over already; send it again."))
    for verbs in _NEVER:
        if wanted.right.overlaps_verb(verbs):
            raise Refused(
                _("Nobody grants the right to decide about rights ({verbs}).").format(verbs=verbs),
                hint=_("That is for the configuration to say."),
            )
    _demand_meaning(ctx, wanted.right)
    _demand_own(ctx, wanted.right)


def _demand_meaning(ctx: Context, right: Right) -> None:
    for misfit in misfits(right, ctx.registry):
        raise Refused(
            _("This right gives nothing: {why}.").format(why=clean(misfit.what, 200)),
            hint=clean(misfit.remedy, 300),
        )


def _demand_own(ctx: Context, right: Right) -> None:
    decision = ctx.engine.policy.everywhere(ctx.person).within(right)
    if decision.allowed:
        return
    hint = ""
    if decision.rule is not None:
        hint = _("This stands against it: {rule}").format(rule=clean(str(decision.rule), 200))
    raise Refused(
        _("Nobody grants more than they hold, and your roles do not cover {right}.").format(
            right=clean(str(right), 200)
        ),
        hint=hint,
    )


def _demand_person(ctx: Context, person: str) -> None:
    if person == ctx.person:
        raise Refused(_("Nobody grants a right to themselves."))
    members = ctx.engine.policy.roles
    if person not in members:
        raise Refused(
            _("{person} is no member.").format(person=clean(person, 60)),
            hint=did_you_mean(person, members),
        )


def plan(ctx: Context, wanted: Wanted) -> Plan:
    """What would be granted."""
    sentence = wanted.sentence(ctx)
    held = _("{person} has {right} by roles").format(person=ctx.person, right=wanted.right)
    return Plan(
        lines=(Line(Verdict.YES, held),),
        steps=(PlannedStep(_("the bot"), sentence),),
        essence=(sentence,),
        parties=frozenset({wanted.person}),
    )


async def give(ctx: Context, wanted: Wanted) -> Grant:
    """Write the grant down; it counts from then on."""
    grants, now = ctx.engine.grants, ctx.engine.clock()
    values = {
        "person": wanted.person,
        "right": str(wanted.right),
        "reason": wanted.reason,
        "by": ctx.person,
        "job": ctx.job.id,
        "since": now,
        "until": wanted.until(ctx),
    }
    async with grants.write() as tx:
        grant = await grants.add(tx, **values)
        await jobs.done(tx, ctx.job.id, given(grant))
        record = values | {"person": ctx.person, "to": wanted.person, "grant": grant.id}
        record |= {"verb": "access.grant", "objects": [wanted.person]}
        await audit_log.append(tx, "granted", record, now)
    ctx.engine.timekeeper.poke()
    return grant


def active(ctx: Context) -> list[Grant]:
    """All that is granted to anybody now."""
    return ctx.engine.grants.active(ctx.engine.clock())


def given(grant: Grant) -> str:
    """What was given, as a sentence."""
    return _("Grant {number}: {person} has {right} until {until}.").format(
        number=grant.id,
        person=grant.person,
        right=grant.right,
        until=moment(grant.until, grant.since),
    )


async def revoke(ctx: Context, number: int, reason: str) -> str:
    """End the grant *number* at once; returns what came of that, as a sentence.

    Raises `UsageError` where there is no such grant.
    """
    grant = await ctx.engine.grants.numbered(number)
    if grant is None:
        raise UsageError(
            _("There is no grant {number}.").format(number=number),
            hint=_("{prefix}grants lists them.").format(prefix=ctx.prefix),
            word=1,
        )
    reason = clean(reason, LONGEST_REASON)
    sentence = _("{who} revoked grant {number}: {right} for {person}, by {by}.").format(
        who=ctx.person,
        number=number,
        right=clean(grant.right, 200),
        person=grant.person,
        by=grant.by,
    )
    if reason:
        sentence = _("{sentence} Reason: {reason}").format(sentence=sentence, reason=reason)
    data = {"job": ctx.job.id, "person": ctx.person, "reason": reason}
    answer = await end_grant(ctx.engine, grant, data, sentence, by=ctx.job)
    return answer or _("Grant {number} has ended already.").format(number=number)
