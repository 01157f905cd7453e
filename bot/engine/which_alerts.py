"""Which alerts a command means, and which of them its asker may have to do with.

Nobody reads of an alert to which they have no right, not even what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core import alert_text
from bot.core.alerts import Alert
from bot.errors import Denied, Refused, UsageError
from bot.i18n import _, ngettext

if TYPE_CHECKING:
    from bot.engine.context import Context

_NUMBER = re.compile(r"#?([0-9]{1,9})")


@dataclass(frozen=True)
class Meant:
    """The alerts that are meant, at least one, and how many more that are not for the asker."""

    alerts: list[Alert]
    withheld: int = 0

    @property
    def note(self) -> str:
        """What is said of those that are withheld; empty for none."""
        if not self.withheld:
            return ""
        words = ngettext(
            "{count} more alert is not yours to do that with.",
            "{count} more alerts are not yours to do that with.",
            self.withheld,
        )
        return words.format(count=self.withheld)


def leading_numbers(words: Sequence[str]) -> tuple[list[int], list[str]]:
    """The numbers of alerts at the beginning of *words*, and the rest of these."""
    numbers = []
    for word in words:
        if (match := _NUMBER.fullmatch(word)) is None:
            break
        numbers.append(int(match[1]))
    return numbers, list(words[len(numbers) :])


def may_on_alert(ctx: Context, verb: str, alert: Alert) -> bool:
    """Whether the asker may do *verb* with *alert*: with all of what it is about.

    For one that is about nothing it takes a right without limits.
    """
    if not alert.names:
        return ctx.rights.verb(verb, objects=False)
    return all(ctx.rights.object(verb, name) for name in alert.names)


async def alerts_meant(
    ctx: Context,
    verb: str,
    numbers: Sequence[int],
    among: Callable[[Alert], bool] = lambda alert: True,
) -> Meant:
    """The alerts that are meant by *numbers*.

    Without any: those of the message that the command answers, or in whose thread it was typed;
    else the one that is open, if need be the one of several for which *among* holds.  Raises
    `UsageError` where it is not clear, `Refused` where there is none, `Denied` where none is for
    the asker.
    """
    if numbers:
        return _permitted(
            ctx, verb, [await _numbered(ctx, each) for each in dict.fromkeys(numbers)]
        )
    told = await _pointed_at(ctx)
    if told is not None:
        return _permitted(ctx, verb, told)
    return Meant([_only_one(ctx, verb, among)])


async def _numbered(ctx: Context, number: int) -> Alert:
    alert = await ctx.alerts.numbered(number)
    if alert is None:
        raise UsageError(_("There is no alert {number}.").format(number=number), hint=_lists(ctx))
    return alert


def _permitted(ctx: Context, verb: str, alerts: list[Alert]) -> Meant:
    mine = [alert for alert in alerts if may_on_alert(ctx, verb, alert)]
    if mine:
        return Meant(mine, len(alerts) - len(mine))
    raise Denied(
        _("You may not do that with this alert: it needs the right {right} on it.").format(
            right=verb
        ),
        rule="none",
    )


async def _pointed_at(ctx: Context) -> list[Alert] | None:
    """What the message tells that the command points at; None where it points at none of ours."""
    for event_id in filter(None, (ctx.job.answers, ctx.job.thread)):
        if found := await ctx.alerts.of_message(event_id):
            return found
        # whoever answers something means that and nothing else; a thread may be about anything
        if event_id == ctx.job.answers or await ctx.alerts.is_message(event_id):
            raise Refused(_("That message tells of no open alert."), hint=_lists(ctx))
    return None


def _only_one(ctx: Context, verb: str, among: Callable[[Alert], bool]) -> Alert:
    mine = [each for each in ctx.alerts.standing if may_on_alert(ctx, verb, each)]
    if not mine:
        raise Refused(_("No alert is open, or none that you may do that with."), hint=_lists(ctx))
    fitting = mine if len(mine) == 1 else [each for each in mine if among(each)]
    if len(fitting) == 1:
        return fitting[0]
    lines = [alert_text.line(each, ctx.now) for each in mine[: alert_text.MOST]]
    lines.append(_("Write its number, or answer its message."))
    raise UsageError(_("Several alerts are open; which one?"), hint="\n".join(lines))


def _lists(ctx: Context) -> str:
    return _("{prefix}alert list --all lists them.").format(prefix=ctx.prefix)
