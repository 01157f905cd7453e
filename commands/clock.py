"""The clocks of Dom0s and DomUs: how far they are off, and which side is wrong."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bot.api import (
    Account,
    Context,
    Lines,
    Machine,
    Reply,
    Role,
    Sweep,
    Table,
    Whose,
    _,
    clock_causes,
    clock_mending,
    clock_text,
    command,
    duration,
    find_machine,
    moment,
    ngettext,
)

#: instead of a name: every machine
ALL = "all"
#: sources of a time service that are shown
SOURCES = 4


@command("clock", needs="clock.show", filters=True)
async def clock(ctx: Context, machine: Machine | None = None) -> Reply:
    """Say how far clocks are off, and which of them.

    Each offset comes with what it may be wrong by. Without a name, or with all, every Dom0 and
    every DomU that the bot gets into is measured.

    Example: clock vm
    """
    if machine is None or machine.name == ALL:
        return await _all(ctx)
    clocks = ctx.clocks
    may = partial(ctx.rights.object, "clock.show")
    found = await find_machine(clocks, ctx.inventory, machine, may)
    hosts = map(clocks.host, ctx.world.hosts.values())
    sweep = await clocks.measure([found, *(each for each in hosts if each.whose != found.whose)])
    await clocks.keep(sweep)
    return await _one(ctx, sweep, found.whose)


async def _all(ctx: Context) -> Reply:
    sweep = await ctx.clocks.everything()
    await ctx.clocks.keep(sweep)
    accounts = [
        each
        for each in await ctx.clocks.accounts(sweep)
        if ctx.rights.object("clock.show", each.whose.name)
    ]
    measured = [each for each in accounts if each.offset is not None]
    limit = ctx.clocks.rules.thresholds.notice
    off = list(_wrong(sweep, measured, limit))
    headings = (_("clock"), _("offset"), _("drift"), _("on"), _("kept by"))
    rows = [_row(each, wrong=each in off) for each in sorted(measured, key=_how_far, reverse=True)]
    return Reply(
        _verdict(sweep, measured, off, limit),
        body=[Table(rows, ("", *headings))] if rows else [],
        hint="\n".join([*_missing(accounts), *_troubles(sweep), *_next(ctx, off)]),
    )


def _wrong(sweep: Sweep, measured: Sequence[Account], limit: float) -> Iterator[Account]:
    """Those that are off; where the reference is doubted, those that the others disagree with."""
    found = sweep.agreement()
    for each in measured:
        if sweep.doubted and found is not None:
            if each.whose not in found.together:
                yield each
        elif each.offset is not None and each.offset.least >= limit:
            yield each


def _how_far(account: Account) -> float:
    return account.offset.least if account.offset is not None else 0.0


def _row(account: Account, *, wrong: bool) -> Sequence[str]:
    assert account.offset is not None
    return (
        "⚠" if wrong else "✔",
        str(account.whose),
        clock_text.said(account.offset),
        clock_text.drift(account.trend.rate) or "-",
        account.measured.host or "-",
        clock_text.kept_by(account.measured.service) or "-",
    )


def _verdict(
    sweep: Sweep, measured: Sequence[Account], off: Sequence[Account], limit: float
) -> str:
    if not measured:
        return _("No clock could be measured.")
    values = {
        "count": len(measured),
        "off": len(off),
        "names": clock_text.names([each.whose for each in off]),
        "reference": sweep.reference,
        "limit": clock_text.size(limit),
    }
    if sweep.doubted:
        return _("Most clocks disagree with {reference}: it is that one that is wrong.").format(
            **values
        )
    if not off:
        return ngettext(
            "The one clock that was measured agrees with {reference} to within {limit}.",
            "All {count} clocks agree with {reference} to within {limit}.",
            len(measured),
        ).format(**values)
    return ngettext(
        "{off} of {count} clocks is off by {limit} or more: {names}.",
        "{off} of {count} clocks are off by {limit} or more: {names}.",
        len(off),
    ).format(**values)


def _missing(accounts: Sequence[Account]) -> Iterator[str]:
    """What was not measured, and why not."""
    closed = [each.whose for each in accounts if not each.measured.measurable]
    if closed:
        yield _("Not measurable: {names} (the config gives no way in).").format(
            names=clock_text.names(closed)
        )
    for each in accounts:
        if each.offset is None and each.measured.measurable:
            yield _("{name} was not measured: {why}").format(name=each.whose, why=each.measured.why)


def _troubles(sweep: Sweep) -> Iterator[str]:
    """Why the reference of the config could not be used."""
    for each in sweep.measured:
        if each.why and each.whose.role is Role.REFERENCE:
            yield _("Measured against {reference} instead: {why}").format(
                reference=sweep.reference, why=each.why
            )


def _next(ctx: Context, off: Sequence[Account]) -> Iterator[str]:
    first = next((each for each in off if _may_be_set(ctx, each)), None)
    if first is not None and (obstacle := clock_mending.obstacle(first)):
        yield obstacle
    elif first is not None:
        yield _("{prefix}clock {name} says why, {prefix}clock fix {name} mends it.").format(
            prefix=ctx.prefix, name=first.whose
        )
    elif off:
        yield _("{prefix}clock {name} says why.").format(prefix=ctx.prefix, name=off[0].whose)


async def _one(ctx: Context, sweep: Sweep, whose: Whose) -> Reply:
    accounts = await ctx.clocks.accounts(sweep)
    account = next(each for each in accounts if each.whose == whose)
    if account.offset is None:
        return Reply(
            _("The clock of {name} is not measured: {why}").format(
                name=whose, why=account.measured.why
            ),
            hint="" if account.measured.measurable else _how_to_get_in(),
        )
    first = clock_text.apart(str(whose), account.offset, str(sweep.reference))
    may = partial(ctx.rights.object, "clock.show")
    lines = [*_compared(sweep, account, may), *_course(ctx, account), *_service(account)]
    lines += [_("Why: {cause}").format(cause=each) for each in clock_causes.causes(account)]
    return Reply(
        " ".join(filter(None, [first, clock_text.side(sweep, whose, may)])),
        body=[Lines(lines)],
        hint="\n".join([*_troubles(sweep), _more(ctx, account)]),
    )


def _compared(sweep: Sweep, account: Account, may: Callable[[str], bool]) -> Iterator[str]:
    """The clock against those of the Dom0s that the reader *may* see, its own first."""
    hosts = [each for each in sweep.machines() if each.whose.role is Role.HOST]
    hosts = [each for each in hosts if may(each.whose.name)]
    hosts.sort(key=lambda each: each.whose.name != account.measured.host)
    for each in hosts:
        found = sweep.between(account.whose, each.whose)
        if each.whose != account.whose and found is not None:
            yield clock_text.apart(str(account.whose), found, str(each.whose))


def _course(ctx: Context, account: Account) -> Iterator[str]:
    """How fast it goes wrong, and until when."""
    trend = account.trend
    yield clock_text.drift_sentence(trend.rate)
    if trend.steps:
        last = trend.steps[-1]
        yield _("It jumped {step} between {since} and {at}.").format(
            step=clock_text.jumped(last.by),
            since=moment(last.since, ctx.now),
            at=moment(last.at, ctx.now),
        )
    reached = trend.reaches(ctx.clocks.rules.thresholds)
    if reached is not None:
        yield _("At this pace it is {threshold} off in {time}.").format(
            threshold=clock_text.size(reached[0]), time=duration(reached[1])
        )


def _service(account: Account) -> Iterator[str]:
    """What keeps it, and by which sources."""
    service, kernel = account.measured.service, account.measured.kernel
    if service is not None:
        yield _("Kept by {service}.").format(service=clock_text.kept_by(service))
        yield from (f"  {clock_text.source_line(each)}" for each in service.sources[:SOURCES])
    if kernel is not None and kernel.clocksource:
        yield _("Its kernel counts by the clocksource {name}.").format(name=kernel.clocksource)


def _more(ctx: Context, account: Account) -> str:
    assert account.offset is not None
    name, prefix = account.whose, ctx.prefix
    if account.offset.least < ctx.clocks.rules.thresholds.notice:
        return _("{prefix}clock graph {name} 7d shows how it was.").format(prefix=prefix, name=name)
    graph = _("{prefix}clock graph {name} shows it.").format(prefix=prefix, name=name)
    return f"{_how_to_mend(ctx, account)} {graph}"


def _how_to_mend(ctx: Context, account: Account) -> str:
    name, host, prefix = account.whose, account.measured.host, ctx.prefix
    if clock_causes.dependent(account) and host:
        return _("{prefix}clock fix {host} mends both.").format(prefix=prefix, host=host)
    if not _may_be_set(ctx, account):
        return _("The bot cannot log in on {name}: mend it there.").format(name=name)
    if obstacle := clock_mending.obstacle(account):
        return obstacle
    return _("{prefix}clock fix {name} mends it.").format(prefix=prefix, name=name)


def _may_be_set(ctx: Context, account: Account) -> bool:
    """Whether the bot can log in there, and the clock is the machine's own."""
    return ctx.world.can_log_in(account.whose) and not clock_causes.dependent(account)


def _how_to_get_in() -> str:
    return _("Name it below guests in the config, with ssh or ntp: docs/clocks.md says how.")
