"""Holds: what nobody's job may touch, who said so, and why."""

from collections.abc import Sequence

from bot.api import (
    Context,
    Found,
    Hold,
    Holdable,
    HoldKind,
    Limits,
    Line,
    Plan,
    PlannedStep,
    Refused,
    Reply,
    Sought,
    Table,
    UsageError,
    Verdict,
    Word,
    _,
    command,
    find,
    moment,
    ngettext,
    several,
    time_and_reason,
)

#: seconds that a hold lasts at least and at most; one without a time stays until it is released
_SHORTEST, _LONGEST = 60.0, 365 * 86400.0


@command(
    "hold",
    needs="hold.place",
    risk="changes",
    words="[KIND:]NAME [for 2h] reason WHY",
)
async def hold(ctx: Context, what: Holdable, *reason: Word) -> Reply:
    """Let nobody's job touch a DomU, Dom0 or volume.

    It lasts for a time, or until it is released. Reads go on. Nothing overrides a hold, not even
    its holder: release it first. A volume or a Dom0 with the name of a DomU is written volume:NAME
    or host:NAME.

    Example: hold vm for 2h reason its disks are being copied
    """
    found, (seconds, why) = _found(ctx), _terms(ctx, reason)
    placed = await ctx.holds.place(
        ctx.job,
        "hold.place",
        found.kind,
        found.name,
        identity=found.identity,
        reason=why,
        until=None if seconds is None else ctx.now + seconds,
    )
    how = _("{prefix}release {what} ends it.").format(prefix=ctx.prefix, what=what)
    lines = [*found.problems, *ctx.holds.jobs_on(placed), how]
    return Reply(placed.sentence(ctx.now), hint="\n".join(lines))


@hold.check
async def _whole(ctx: Context, what: Sought, *reason: str) -> None:
    _terms(ctx, reason)


@hold.plan
async def _plan(ctx: Context, what: Sought, *reason: str) -> Plan:
    found = await find(ctx.inventory, what, lambda name: ctx.rights.object("hold.place", name))
    seconds, why = _terms(ctx, reason)
    thing = found.kind.of(found.name)
    known = f"{thing} ({found.identity})" if found.identity else thing
    until = _("until it is released") if seconds is None else moment(ctx.now + seconds, ctx.now)
    words = _("hold {what} until {until}: {why}") if seconds else _("hold {what} {until}: {why}")
    step = PlannedStep(_("the bot"), words.format(what=known, until=until, why=why))
    line = Line(Verdict.YES, _("{what} is there").format(what=known))
    return Plan((line,), (step,), essence=(known,), facts=found)


@command("release", needs="hold.release", risk="changes")
async def release(ctx: Context, what: Holdable, *, all: bool = False) -> Reply:
    """End your hold on something; with --all, the holds of others as well, who are told.

    Example: release vm
    """
    standing = _standing(ctx, what)
    chosen = [each for each in standing if all or each.by == ctx.person]
    if not chosen:
        raise Refused(
            standing[0].sentence(ctx.now),
            hint=_(
                "Ask {who}. {prefix}release {what} --all ends it as well, and tells them."
            ).format(who=standing[0].by, prefix=ctx.prefix, what=what),
        )
    thing = chosen[0].kind.of(chosen[0].name)
    left = [each.sentence(ctx.now) for each in standing if each not in chosen]
    if left:
        sentence = _("Your hold on {what} is released.").format(what=thing)
    else:
        sentence = _("{what} is free: nobody holds it any more.").format(what=thing)
    await ctx.holds.release(ctx.job, "hold.release", chosen, sentence)
    return Reply(sentence, hint="\n".join(left))


@command("holds", needs="hold.list", filters=True)
async def holds(ctx: Context) -> Reply:
    """List what is held and which Dom0s are in maintenance: by whom, until when and why.

    Example: holds
    """
    standing = [each for each in ctx.holds.standing if ctx.rights.object("hold.list", each.name)]
    if not standing:
        return Reply(_("Nothing is held, and no Dom0 is in maintenance."))
    headings = (_("what"), _("who"), _("since"), _("until"), _("why"))
    return Reply(
        ngettext("{count} hold.", "{count} holds.", len(standing)).format(count=len(standing)),
        body=[Table([_row(ctx, each) for each in standing], headings)],
        hint=_how_they_end(ctx, standing),
    )


def _how_they_end(ctx: Context, standing: Sequence[Hold]) -> str:
    under = [each.name for each in standing if each.kind is HoldKind.MAINTENANCE]
    lines = [_take_guests_again(ctx, name) for name in under]
    if len(under) < len(standing):
        lines.insert(0, _("{prefix}release NAME ends one of yours.").format(prefix=ctx.prefix))
    return "\n".join(lines)


def _take_guests_again(ctx: Context, dom0: str) -> str:
    words = _("{prefix}host maintenance {dom0} off ends its maintenance.")
    return words.format(prefix=ctx.prefix, dom0=dom0)


def _terms(ctx: Context, words: Sequence[str]) -> tuple[float | None, str]:
    """For how many seconds, None for no end, and why; raises `UsageError`."""
    limits = Limits(
        _SHORTEST,
        _LONGEST,
        _("A hold lasts from a minute to a year."),
        _("Leave out the time for one that stays until it is released."),
    )
    how = _("Write it like {prefix}hold vm for 2h reason disk swap").format(prefix=ctx.prefix)
    return time_and_reason(words, limits, how)


def _found(ctx: Context) -> Found:
    found = ctx.plan.facts if ctx.plan is not None else None
    assert isinstance(found, Found)
    return found


def _standing(ctx: Context, what: Sought) -> list[Hold]:
    """The holds on *what*, one or more; raises where there is none, or where it is not clear."""
    standing = [
        each
        for each in ctx.holds.standing
        if each.name == what.name and what.fits(each.kind) and each.kind is not HoldKind.MAINTENANCE
    ]
    if not standing:
        in_maintenance = what.fits(HoldKind.HOST) and ctx.holds.on(HoldKind.MAINTENANCE, what.name)
        lists = _("{prefix}holds lists what is held.").format(prefix=ctx.prefix)
        raise Refused(
            _("Nobody holds {what}.").format(what=what),
            hint=_take_guests_again(ctx, what.name) if in_maintenance else lists,
        )
    kinds = {each.kind: None for each in standing}
    if len(kinds) > 1:
        raise UsageError(several(what.name, kinds), word=1)
    return standing


def _row(ctx: Context, each: Hold) -> tuple[str, ...]:
    maintenance = each.kind is HoldKind.MAINTENANCE
    what = each.kind.of(each.name)
    return (
        _("{what}, maintenance").format(what=what) if maintenance else what,
        each.by,
        moment(each.since, ctx.now),
        moment(each.until, ctx.now) if each.until is not None else "-",
        each.reason,
    )
