"""What is wrong with clocks, as alerts: one a clock, which says what, which side, and how to mend.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.alerts import Finding, Severity
from bot.core.clock_account import Account
from bot.core.clock_causes import as_its_host, causes, dependent
from bot.core.clock_course import Course
from bot.core.clock_mending import obstacle
from bot.core.clock_reference import Away
from bot.core.clock_sweep import Sweep
from bot.core.clock_text import drift_sentence, jumped, said, side, size
from bot.core.clock_trend import Rate
from bot.core.clocks import Reading, Role, Thresholds, Whose
from bot.core.plan import Thing
from bot.core.render import duration
from bot.core.text import clean
from bot.core.time_service import Sync
from bot.core.units import moment
from bot.i18n import _, ngettext

#: as many causes are told
_MOST_CAUSES = 3
#: levels from which an alert is critical, and from which people can no more log in
_CRITICAL, _DISASTER = 2, 3


def key_of(whose: Whose) -> str:
    """By what the alert about a clock is known."""
    return whose.name if whose.role is Role.REFERENCE else f"{whose.role.value} {whose.name}"


def finding(
    it: Account,
    course: Course,
    offset: Reading | None,
    thresholds: Thresholds,
    *,
    settable: bool = True,
) -> Finding | None:
    """The alert about a clock; None where nothing is wrong with it.

    *offset*: how far it is from the truth.  *settable*: whether the bot can get in to mend it.
    """
    if course.well or (offset is None and course.level):
        return None
    return Finding(
        key_of(it.whose),
        _severity(course),
        _title(it, course, offset),
        _objects(it.whose),
        details="\n".join(_details(it, course, offset, thresholds)),
        hint=_hint(it, settable=settable),
        group=_group(it, course),
        since=course.since,
    )


def doubted(sweep: Sweep, since: float, thresholds: Thresholds) -> Finding:
    """The alert about a reference with which most clocks disagree."""
    found = sweep.agreement()
    own = sweep.of(sweep.reference)
    assert found is not None
    assert own is not None
    assert own.reading is not None
    off, count = own.reading - found.truth, len(found.together)
    title = _("The reference is wrong: {reference} is {size} behind {count} clocks that agree.")
    if off.offset > 0:
        title = _(
            "The reference is wrong: {reference} is {size} ahead of {count} clocks that agree."
        )
    title = title.format(reference=sweep.reference, size=size(off.offset), count=count)
    return Finding(
        f"reference {sweep.reference.name}",
        Severity.CRITICAL if off.least >= thresholds.trouble else Severity.WARNING,
        title,
        details=_(
            "What differs from it is not told meanwhile: clocks are held against those that agree."
        ),
        hint=_hint_of_others(sweep.reference),
        since=since,
    )


def drifts(sweep: Sweep, it: Away, since: float) -> Finding:
    """The alert about a reference from which most clocks run away."""
    title = _("The reference drifts: {count} clocks run away from {reference} together.")
    wanted, left = it.reaches
    when = _("It will be {size} off in {time}.") if left else _("It is about {size} off by now.")
    return Finding(
        f"reference {sweep.reference.name}",
        Severity.INFO,
        title.format(count=len(it.clocks), reference=sweep.reference),
        details="\n".join(
            [
                drift_sentence(Rate(-it.rate.ppm, it.rate.bound)),
                when.format(size=size(wanted), time=duration(left)),
                _("Drifts of single clocks are not told meanwhile."),
            ]
        ),
        hint=_hint_of_others(sweep.reference),
        since=since,
    )


def silent(whose: Whose, why: str, since: float) -> Finding:
    """The alert about a reference that gives no time."""
    return Finding(
        f"reference {whose.name}",
        Severity.WARNING,
        _("The reference gives no time: {why}").format(why=clean(why, 200)),
        details=_("Clocks are held against the bot's own meanwhile."),
        hint=_hint_of_others(whose),
        since=since,
    )


def _severity(course: Course) -> Severity:
    if course.level >= _CRITICAL:
        return Severity.CRITICAL
    return Severity.WARNING if course.level or course.service else Severity.INFO


def _objects(whose: Whose) -> frozenset[tuple[Thing, str]]:
    things = {Role.HOST: Thing.HOST, Role.GUEST: Thing.DOMU}
    return frozenset({(things[whose.role], whose.name)} if whose.role in things else ())


def _group(it: Account, course: Course) -> str:
    """What one Dom0 explains is one message, and so are all drifts."""
    if not (course.level or course.service):
        return "clocks drift"
    host = it.measured.host if dependent(it) else it.whose.name
    told_together = course.level and (dependent(it) or it.whose.role is Role.HOST)
    return f"clocks {host}" if told_together else ""


def _title(it: Account, course: Course, offset: Reading | None) -> str:
    if course.level and offset is not None:
        return _off(it, offset)
    values = {"name": it.whose.name}
    service = it.measured.service.name if it.measured.service is not None else ""
    values |= {"service": service or _("time service")}
    if course.service == Sync.DEAD.value:
        return _("The {service} of {name} does not run: its clock is right still.").format(**values)
    if course.service:
        return _("The {service} of {name} follows no source: its clock is right still.").format(
            **values
        )
    return _("The clock of {name} drifts away, and is right still.").format(**values)


def _off(it: Account, offset: Reading) -> str:
    ahead, follows = offset.offset > 0, dependent(it) and as_its_host(it)
    title = {
        (True, False): _("The clock of {name} is {size} ahead of {reference}{others}."),
        (False, False): _("The clock of {name} is {size} behind {reference}{others}."),
        (True, True): _("The clock of {name} is {size} ahead of {reference}, as {host} is."),
        (False, True): _("The clock of {name} is {size} behind {reference}, as {host} is."),
    }[ahead, follows]
    if it.whose.role is Role.BOT:
        title = _("The bot's own clock is {size} behind {reference}{others}.")
        if ahead:
            title = _("The bot's own clock is {size} ahead of {reference}{others}.")
    reference, others = _right(it.sweep, it.whose)
    return title.format(
        name=it.whose,
        size=size(offset.offset),
        reference=reference,
        others=others,
        host=it.measured.host,
    )


def _right(sweep: Sweep, whose: Whose) -> tuple[str, str]:
    """What a clock is held against, and how many agree with that."""
    found = sweep.agreement()
    if found is None or whose in found.together:
        return str(_called(sweep.reference)), ""
    if sweep.doubted:
        count = len(found.together)
        return ngettext("{count} other clock", "{count} other clocks", count).format(
            count=count
        ), ""
    others = len(found.together - {sweep.reference})
    if not found.most or not others:
        return _called(sweep.reference), ""
    return _called(sweep.reference), ngettext(
        ", with which {count} other clock agrees",
        ", with which {count} other clocks agree",
        others,
    ).format(count=others)


def _called(reference: Whose) -> str:
    return _("the reference") if reference.role is Role.REFERENCE else str(reference)


def _details(
    it: Account, course: Course, offset: Reading | None, thresholds: Thresholds
) -> Iterator[str]:
    if offset is not None:
        yield _("Off by the last reading: {said}.").format(said=said(offset))
    if course.level >= _DISASTER:
        yield _("So far off, Kerberos, TLS and one-time passwords fail: people are locked out.")
    if course.level and (side_ := side(it.sweep, it.whose)):
        yield side_
    for step in it.trend.steps[-1:]:
        yield _("It jumped {step} between {before} and {after}.").format(
            step=jumped(step.by),
            before=moment(step.since, it.measured.at),
            after=moment(step.at, it.measured.at),
        )
    if it.trend.rate is not None:
        yield drift_sentence(it.trend.rate)
    reached = it.trend.reaches(thresholds)
    if reached is not None and (course.level or course.soon):
        yield _("It will be {size} off in {time}.").format(
            size=size(reached[0]), time=duration(reached[1])
        )
    yield from causes(it, course.since)[:_MOST_CAUSES]


def _hint(it: Account, *, settable: bool) -> str:
    """What to do next; the command's prefix is filled in where it is read."""
    name, host = it.whose.name, it.measured.host
    if it.whose.role in (Role.REFERENCE, Role.BOT):
        return _hint_of_others(it.whose)
    if dependent(it) and host:
        return _("Mend {host} first: {{prefix}}clock fix {host}").format(host=host)
    if not settable:
        return _(
            "The bot cannot get into {name}: log in there, and see docs/clocks.md. "
            "{{prefix}}clock {name} shows more."
        ).format(name=name)
    if why := obstacle(it):
        more = _("{{prefix}}clock {name} shows more.").format(name=name)
        return f"{why} {more}"
    return _("{{prefix}}clock fix {name} mends it, {{prefix}}clock {name} shows more.").format(
        name=name
    )


def _hint_of_others(whose: Whose) -> str:
    if whose.role is Role.BOT:
        return _("Look at the time service of the machine that the bot runs on: chronyc tracking.")
    return _("Look at {reference}, or name another in clock.reference. {{prefix}}clock").format(
        reference=whose
    )
