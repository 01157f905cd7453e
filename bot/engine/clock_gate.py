"""Whether the clocks of two Dom0s are near enough for a live migration between them."""

from __future__ import annotations

from bot.core.clock_sweep import Sweep
from bot.core.clock_text import said, size
from bot.core.clocks import Reading, Role, Whose
from bot.core.plan import Line, Verdict
from bot.devices.host import Host
from bot.engine.clocks import ClockRules
from bot.engine.context import Context
from bot.errors import DeviceError
from bot.i18n import _


async def clock_line(ctx: Context, source: Host, target: Host) -> Line:
    """The line of the card, by measuring both clocks now; what cannot be read is not checked."""
    rules = ctx.engine.clocks.rules
    try:
        ahead = await ctx.engine.clocks.apart(target, source)
    except DeviceError as error:
        return Line(Verdict.UNCHECKED, _agree(source, target, rules) + f" ({error})")
    verdict = judged(ahead, rules)
    text = _text(verdict, ahead, rules, source, target)
    if verdict is Verdict.NO:
        text += " " + await _mend(ctx, source, target)
    shown_by = _("date, {count} probes").format(count=rules.probes)
    return Line(verdict, text, shown_by)


def judged(ahead: Reading, rules: ClockRules) -> Verdict:
    """What is shown by how far the target's clock is *ahead* of the source's.

    That they agree is shown where the whole of what may be true lies within the limit.  How far the
    target may be behind is less than most links let anybody see, so the error is granted there: ✘
    is what is certainly behind by more.
    """
    if too_far(ahead, rules) or too_late(ahead, rules):
        return Verdict.NO
    return Verdict.YES if ahead.most <= rules.limit else Verdict.UNCHECKED


def too_far(ahead: Reading, rules: ClockRules) -> bool:
    """Whether they certainly differ by more than the limit."""
    return ahead.least > rules.limit


def too_late(ahead: Reading, rules: ClockRules) -> bool:
    """Whether the target's clock is certainly behind by more than it may be."""
    return ahead.highest < -rules.behind


def _agree(source: Host, target: Host, rules: ClockRules) -> str:
    return _("the clocks of {source} and {target} agree within {limit}").format(
        source=source, target=target, limit=size(rules.limit)
    )


def _text(verdict: Verdict, ahead: Reading, rules: ClockRules, source: Host, target: Host) -> str:
    values = {
        "source": source,
        "target": target,
        "said": said(ahead),
        "bound": size(ahead.bound),
        "limit": size(rules.limit),
        "behind": size(rules.behind),
    }
    agree = _agree(source, target, rules)
    if verdict is Verdict.UNCHECKED and ahead.bound > rules.limit:
        return agree + _(" (the way to them is too slow to tell: ± {bound})").format(**values)
    if verdict is Verdict.UNCHECKED:
        return agree + _(" ({target} is {said}: it may be so or not)").format(**values)
    if verdict is Verdict.NO and too_far(ahead, rules):
        return _(
            "The clocks of {source} and {target} differ by more than {limit}: {target} is {said}."
        ).format(**values)
    if verdict is Verdict.NO:
        return _(
            "The clock of {target} is more than {behind} behind that of {source}, so that time "
            "in the guest would stand still: {target} is {said}."
        ).format(**values)
    text = agree + _(": {target} is {said}").format(**values)
    if ahead.lowest < -rules.behind:
        text += _("; more than {behind} behind is not excluded").format(**values)
    return text


async def _mend(ctx: Context, source: Host, target: Host) -> str:
    """How to go on, by asking the reference which of the two is wrong."""
    clocks = ctx.engine.clocks
    machines = [clocks.host(source), clocks.host(target)]
    sweep = await clocks.measure(machines, closely=False)
    offsets = {each.whose.name: sweep.offset(each.whose) for each in machines}
    wrong = wrong_one(sweep, source.name, target.name)
    if (offset := offsets.get(wrong)) is not None:
        sentence = _("Mend it: {prefix}clock fix {host}")
        if offset.least <= clocks.rules.thresholds.notice:
            # too little to be slewed, or not enough to be seen as mended here
            sentence = _("Mend it: {prefix}clock fix {host} --step")
        return sentence.format(prefix=ctx.prefix, host=wrong)
    each_is = _("{name} is {offset}")
    both = (each_is.format(name=name, offset=said(it)) for name, it in offsets.items() if it)
    return _("Look which is wrong, {prefix}clock all: {offsets}").format(
        prefix=ctx.prefix, offsets=", ".join(both) or _("neither can be measured")
    )


def wrong_one(sweep: Sweep, *hosts: str) -> str:
    """The one of two hosts that is certainly farther off; empty where nobody can say."""
    offsets = [(name, sweep.offset(Whose(Role.HOST, name))) for name in hosts]
    if sweep.doubted:
        return ""
    for name, offset in offsets:
        others = [other for whose, other in offsets if whose != name]
        if offset and all(other and offset.least > other.most for other in others):
            return name
    return ""
