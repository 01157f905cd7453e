"""What the room reads of alerts.  No I/O here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.core.alerts import Alert, AlertState
from bot.core.render import Lines, Reply, duration
from bot.core.text import clean
from bot.core.units import moment
from bot.i18n import _, ngettext

#: how many alerts a message names
MOST = 8


def worst_first(alerts: Sequence[Alert]) -> list[Alert]:
    """*alerts* as people want to read them: what fires and is worst comes first."""
    order = list(AlertState)
    return sorted(alerts, key=lambda each: (order.index(each.state), -each.severity, each.id))


def told(alerts: Sequence[Alert], muted: str, prefix: str, now: float) -> Reply:
    """The message that tells *alerts*, one or several; *muted* says why nobody is called."""
    if len(alerts) == 1:
        return _one(alerts[0], muted, prefix, now)
    return _several(worst_first(alerts), muted, prefix, now)


def again(alerts: Sequence[Alert], prefix: str, now: float) -> Reply:
    """What calls people once more, about *alerts* that fire and that nobody acknowledged."""
    first = worst_first(alerts)[0]
    more = len(alerts) - 1
    sentence = _(
        "{sign} Nobody has acknowledged alert {number} yet, since {since}: {title}"
    ).format(
        sign=first.severity.sign,
        number=first.id,
        since=moment(first.since, now),
        title=first.title,
    )
    if more:
        rest = ngettext("and {count} more", "and {count} more", more).format(count=more)
        sentence = f"{sentence} ({rest})"
    return Reply(sentence, hint=_hint_of(first, prefix))


def line(alert: Alert, now: float) -> str:
    """*alert* in one line."""
    return _("{sign} {number}: {title} ({state})").format(
        sign=_sign(alert), number=alert.id, title=alert.title, state=stands(alert, now)
    )


def stands(alert: Alert, now: float) -> str:
    """How *alert* stands, within a sentence."""
    values = {"since": moment(alert.since, now), "by": alert.by}
    if alert.state is AlertState.ACKNOWLEDGED:
        return _("since {since}, acknowledged by {by}").format(**values)
    if alert.state is AlertState.FIRING:
        return _("since {since}").format(**values)
    ended = alert.ended if alert.ended is not None else now
    values |= {"ended": moment(ended, now), "time": duration(max(0.0, ended - alert.since))}
    if alert.state is AlertState.CLOSED:
        return _("closed by {by} at {ended}").format(**values)
    return _("over at {ended}, after {time}").format(**values)


def _one(alert: Alert, muted: str, prefix: str, now: float) -> Reply:
    lines = [
        _("{severity}, {stands}.").format(
            severity=alert.severity.words.capitalize(), stands=stands(alert, now)
        )
    ]
    if alert.times > 1:
        lines.append(_("It came {count} times.").format(count=alert.times))
    if muted and alert.open:
        lines.append(_("🔕 Nobody is called: {why}").format(why=muted))
    head = _("{sign} alert {number}: {title}").format(
        sign=_sign(alert), number=alert.id, title=alert.title
    )
    details = alert.details if alert.open else ""
    if details:
        lines += details.splitlines()
    return Reply(head, body=[Lines(lines)], hint=_how_on(alert, prefix))


def _several(alerts: list[Alert], muted: str, prefix: str, now: float) -> Reply:
    counts = Counter(alert.state for alert in alerts)
    open_ = [alert for alert in alerts if alert.open]
    states = ", ".join(
        _("{count} {state}").format(count=counts[state], state=state.words)
        for state in AlertState
        if counts[state]
    )
    head = _("{sign} {count} alerts: {states}").format(
        sign=_sign(alerts[0]), count=len(alerts), states=states
    )
    shown = [line(alert, now) for alert in alerts[:MOST]]
    if more := len(alerts) - len(shown):
        rest = _("… and {count} more: {prefix}alert list").format(count=more, prefix=prefix)
        shown.append(rest)
    if muted and open_:
        shown.append(_("🔕 Nobody is called: {why}").format(why=muted))
    hint = ""
    if counts[AlertState.FIRING]:
        hint = _("Answer this with {prefix}alert ack, or put ✅ on it: all of them.").format(
            prefix=prefix
        )
    return Reply(head, body=[Lines(shown)], hint=hint)


def _sign(alert: Alert) -> str:
    if alert.state is AlertState.ACKNOWLEDGED:
        return "👀"
    return alert.severity.sign if alert.state is AlertState.FIRING else "✔"


def _how_on(alert: Alert, prefix: str) -> str:
    return _hint_of(alert, prefix) if alert.open else ""


def _hint_of(alert: Alert, prefix: str) -> str:
    lines = [alert.hint.replace("{prefix}", prefix)] if alert.hint else []
    if alert.url:
        lines.append(clean(alert.url, 300))
    if alert.state is AlertState.FIRING:
        lines.append(
            _("{prefix}alert ack {number} (or ✅ on this) says that you are on it.").format(
                prefix=prefix, number=alert.id
            )
        )
    return "\n".join(lines)
