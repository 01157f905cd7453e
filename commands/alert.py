"""Alerts: what is wrong, who is on it, and who is called no more for a time."""

from collections.abc import Sequence

from bot.api import (
    Alert,
    AlertNumber,
    AlertState,
    Context,
    Limits,
    Proof,
    Refused,
    Reply,
    Table,
    Terms,
    UsageError,
    Word,
    _,
    alert_line,
    alert_stands,
    alerts_meant,
    clean,
    command,
    leading_numbers,
    may_on_alert,
    moment,
    ngettext,
    reason,
    time_and_reason,
)

#: seconds that a silence lasts at least and at most
_SHORTEST, _LONGEST = 60.0, 30 * 86400.0
#: how many that are over are listed, and among how many of the last they are sought
_LAST, _SOUGHT = 10, 100
#: how many are named in a sentence or shown in full
_MOST = 20


@command("alert list", needs="alert.list", filters=True)
async def list_(ctx: Context, *, all: bool = False) -> Reply:
    """List the alerts that people still have to do with, worst first; with --all, the last others.

    Example: alert list
    """
    standing = _mine(ctx, ctx.alerts.standing)
    over = _mine(ctx, await ctx.alerts.recent(_SOUGHT))[:_LAST] if all else []
    rows = [_row(ctx, each) for each in (*standing, *over)]
    headings = (_("alert"), _("severity"), _("state"), _("title"), _("since"), _("who"))
    counted = ngettext("{count} open alert.", "{count} open alerts.", len(standing))
    return Reply(
        counted.format(count=len(standing)) if standing else _("No alert is open."),
        body=[Table(rows, (*headings, _("nobody is called because")))] if rows else (),
        hint=_("{prefix}alert show ALERT says more.").format(prefix=ctx.prefix) if rows else "",
    )


@command("alert show", needs="alert.show", filters=True)
async def show(ctx: Context, alert: AlertNumber | None = None) -> Reply:
    """Show all of one alert; without its number, of the one answered or the one that is open.

    Example: alert show 3
    """
    meant = await alerts_meant(ctx, "alert.show", () if alert is None else (alert,))
    if len(meant.alerts) > 1:
        rows = [_row(ctx, each) for each in meant.alerts]
        count = ngettext("{count} alert.", "{count} alerts.", len(rows)).format(count=len(rows))
        return Reply(count, body=[Table(rows)], hint=meant.note)
    return _shown(ctx, meant.alerts[0])


@command("alert ack", needs="alert.ack", risk="changes", filters=True)
async def ack(ctx: Context, *alert: AlertNumber) -> Reply:
    """Say that you are on it, so that nobody is called any more.

    Without a number: the alerts of the message that you answer, or the one that is open.

    Example: alert ack 3
    """
    meant = await alerts_meant(ctx, "alert.ack", alert, _fires)
    firing = [each for each in meant.alerts if _fires(each)]
    _demand_some(ctx, firing, meant.alerts)
    first = firing[0]
    if len(firing) == 1:
        words = _("Alert {number} is yours: {title}")
        sentence = words.format(number=first.id, title=first.title)
    else:
        sentence = _("{count} alerts are yours: {numbers}").format(
            count=len(firing), numbers=_numbers(firing)
        )
    await ctx.alerts.acknowledge(ctx.job, firing, sentence)
    on = first.hint.replace("{prefix}", ctx.prefix) if len(firing) == 1 else ""
    return Reply(sentence, hint=_lines(on, meant.note))


@command(
    "alert silence",
    needs="alert.silence",
    risk="changes",
    filters=True,
    words="[ALERT] for 2h reason WHY",
)
async def silence(ctx: Context, *words: Word) -> Reply:
    """Let nobody be called about an alert for a time, even if it is over and comes back meanwhile.

    Without a number: the alerts of the message that you answer, or the one that is open.

    Example: alert silence 3 for 2h reason the disk is ordered
    """
    numbers, seconds, why = _silence_terms(ctx, words)
    until = ctx.now + seconds
    meant = await alerts_meant(ctx, "alert.silence", numbers)
    chosen = [each for each in meant.alerts if not _outlasts(ctx, each, until)]
    if not chosen:
        raise Refused(ctx.alerts.muted(meant.alerts[0]))
    sentence = _("Nobody is called about {what} until {until}: {why}").format(
        what=_called(chosen), until=moment(until, ctx.now), why=why
    )
    await ctx.alerts.silence(ctx.job, chosen, until, why, sentence)
    ends = _("{prefix}alert unsilence {numbers} ends that.").format(
        prefix=ctx.prefix, numbers=_numbers(chosen, " ")
    )
    return Reply(sentence, hint=_lines(ends, meant.note))


@silence.check
async def _silence_whole(ctx: Context, *words: str) -> None:
    _silence_terms(ctx, words)


@command("alert unsilence", needs="alert.silence", risk="changes", filters=True)
async def unsilence(ctx: Context, *alert: AlertNumber) -> Reply:
    """Let people be called about an alert again, whoever silenced it.

    Example: alert unsilence 3
    """
    meant = await alerts_meant(ctx, "alert.silence", alert, lambda each: _silenced(ctx, each))
    silent = [each for each in meant.alerts if _silenced(ctx, each)]
    if not silent:
        raise Refused(_("Nobody silenced {what}.").format(what=_called(meant.alerts)))
    sentence = _("People are called about {what} again.").format(what=_called(silent))
    await ctx.alerts.unsilence(ctx.job, silent, sentence)
    still = [
        _("{number}, still muted: {why}").format(number=each.id, why=why)
        for each in silent[:_MOST]
        if each.open and (why := ctx.alerts.muted(each))
    ]
    return Reply(sentence, hint=_lines(*still, meant.note))


@command(
    "alert close", needs="alert.close", risk="changes", filters=True, words="[ALERT] reason WHY"
)
async def close(ctx: Context, *words: Word) -> Reply:
    """End an alert for people: it does not fire again before it was gone.

    Without a number: the alerts of the message that you answer, or the one that is open.

    Example: alert close 3 reason that host is switched off for good
    """
    numbers, why = _close_terms(ctx, words)
    meant = await alerts_meant(ctx, "alert.close", numbers)
    open_ = [each for each in meant.alerts if each.open]
    _demand_some(ctx, open_, meant.alerts)
    sentence = _("Closed {what}: {why}").format(what=_called(open_), why=why)
    await ctx.alerts.close(ctx.job, open_, why, sentence)
    return Reply(sentence, hint=meant.note)


@close.check
async def _close_whole(ctx: Context, *words: str) -> None:
    _close_terms(ctx, words)


def _silence_terms(ctx: Context, words: Sequence[str]) -> tuple[list[int], float, str]:
    how = _("Write it like {prefix}alert silence 3 for 2h reason disk ordered").format(
        prefix=ctx.prefix
    )
    numbers, rest = leading_numbers(words)
    if rest[:1] != ["for"]:
        raise UsageError(_("It is not clear for how long, and why."), hint=how)
    limits = Limits(_SHORTEST, _LONGEST, _("A silence lasts from a minute to 30 days."), how)
    seconds, why = time_and_reason(rest, limits, how)
    assert seconds is not None
    return numbers, seconds, why


def _close_terms(ctx: Context, words: Sequence[str]) -> tuple[list[int], str]:
    how = _("Write it like {prefix}alert close 3 reason that host is gone").format(
        prefix=ctx.prefix
    )
    numbers, rest = leading_numbers(words)
    if rest and rest[0] != "reason":
        # else a reason that begins with a number would name an alert
        raise UsageError(_("The word reason is missing before the reason."), hint=how)
    return numbers, reason(rest[1:], how)


def _fires(alert: Alert) -> bool:
    return alert.state is AlertState.FIRING


def _silenced(ctx: Context, alert: Alert) -> bool:
    return ctx.alerts.silence_of(alert) is not None


def _outlasts(ctx: Context, alert: Alert, until: float) -> bool:
    """Whether a sign would only shorten what somebody asked for in words."""
    standing = ctx.alerts.silence_of(alert)
    by_sign = ctx.job.proof is Proof.REACTION
    return by_sign and standing is not None and standing.until >= until


def _demand_some(ctx: Context, left: Sequence[Alert], meant: Sequence[Alert]) -> None:
    """Raise `Refused`, which says how they stand, where nothing is *left* to do of those meant."""
    if not left:
        first, more = meant[0], len(meant) - 1
        words = ngettext("and {count} more", "and {count} more", more).format(count=more)
        already = _("Alert {number} is {state} already: {stands}.").format(
            number=first.id, state=first.state.words, stands=alert_stands(first, ctx.now)
        )
        raise Refused(f"{already} ({words})" if more else already)


def _called(alerts: Sequence[Alert]) -> str:
    """How *alerts* are called within a sentence."""
    if len(alerts) == 1:
        return _("alert {number} ({title})").format(
            number=alerts[0].id, title=clean(alerts[0].title, 100)
        )
    return _("{count} alerts ({numbers})").format(count=len(alerts), numbers=_numbers(alerts))


def _numbers(alerts: Sequence[Alert], between: str = ", ") -> str:
    shown = [str(each.id) for each in alerts[:_MOST]]
    return between.join([*shown, "…"] if len(alerts) > _MOST else shown)


def _lines(*lines: str) -> str:
    return "\n".join(filter(None, lines))


def _mine(ctx: Context, alerts: Sequence[Alert]) -> list[Alert]:
    return [each for each in alerts if may_on_alert(ctx, "alert.list", each)]


def _row(ctx: Context, alert: Alert) -> tuple[str, ...]:
    return (
        str(alert.id),
        alert.severity.words,
        alert.state.words,
        clean(alert.title, 80),
        moment(alert.since, ctx.now),
        alert.by or "-",
        (ctx.alerts.muted(alert) if alert.open else "") or "-",
    )


def _shown(ctx: Context, alert: Alert) -> Reply:
    terms = [
        (_("severity"), alert.severity.words),
        (
            _("state"),
            _("{state}, {stands}").format(
                state=alert.state.words, stands=alert_stands(alert, ctx.now)
            ),
        ),
        (_("about"), ", ".join(alert.names) or "-"),
        (
            _("told by"),
            _("{source}, {count} times").format(source=clean(alert.source, 64), count=alert.times),
        ),
    ]
    if alert.open and (why := ctx.alerts.muted(alert)):
        terms.append((_("nobody is called because"), why))
    silence = ctx.alerts.silence_of(alert)
    if silence is not None and not alert.open:
        terms.append((_("silence"), silence.sentence(ctx.now)))
    hint = _lines(alert.hint.replace("{prefix}", ctx.prefix), alert.url)
    if _fires(alert):
        words = _("{prefix}alert ack {number} says that you are on it.")
        hint = _lines(hint, words.format(prefix=ctx.prefix, number=alert.id))
    head = alert_line(alert, ctx.now)
    return Reply(head, body=[Terms(terms)], details=alert.details, hint=hint)
