"""Why a clock may be off: what can be seen that explains it, each with its evidence.  No I/O here.

What is known of Xen's clocks and of time services stands in docs/clocks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from bot.core.clock_account import Account
from bot.core.clock_text import jumped, said, size
from bot.core.clocks import Reading
from bot.core.text import clean
from bot.core.time_service import Source, Standing, Sync, TimeService
from bot.core.units import moment
from bot.i18n import _

#: a step that is seen within so many seconds after a migration comes of it
_AFTERWARDS = 3600.0
#: from which a kernel that runs on Xen may well take its time
_GOOD = ("xen", "tsc")
#: as many servers are named, and of so many characters at most
_NAMED, _LONGEST = 3, 60


def causes(it: Account, since: float | None = None) -> list[str]:
    """What may be why the clock is off, one sentence each, the most likely first.

    Where it is not off: what will not keep it right.  *since*: when it was seen first that it is
    off, where that is not now.
    """
    kinds: tuple[Callable[[Account], Iterator[str]], ...] = (
        _dependent,
        partial(_moved, since=it.measured.at if since is None else since),
        _host,
        _service,
        _clocksource,
        _believes,
    )
    return [sentence for kind in kinds for sentence in kind(it)]


def dependent(it: Account) -> bool:
    """Whether the clock is the one of the Dom0, so that nothing in the guest can set it."""
    return it.measured.kernel is not None and it.measured.kernel.independent is False


def is_off(it: Account) -> bool:
    """Whether the clock is off by more than two clocks in order may differ by."""
    return it.offset is not None and it.offset.least > it.sweep.tolerance


def as_its_host(it: Account) -> bool:
    """Whether the Dom0's own clock is off by as much."""
    here, there = it.offset, it.hosts_offset
    if here is None or there is None or not is_off(it) or there.least <= it.sweep.tolerance:
        return False
    return abs(here.offset - there.offset) <= max(here.bound + there.bound, it.sweep.tolerance)


def _dependent(it: Account) -> Iterator[str]:
    if dependent(it):
        yield _(
            "{guest} takes its time from {host} (independent_wallclock is 0): nothing that runs in "
            "{guest} can set its clock."
        ).format(guest=it.whose, host=it.measured.host or _("its Dom0"))


def _host(it: Account) -> Iterator[str]:
    if it.host is None or it.hosts_offset is None or not as_its_host(it):
        return
    yield _("{host}, on which it runs, is off by as much: {said}.").format(
        host=it.host.whose, said=said(it.hosts_offset)
    )


def _moved(it: Account, since: float) -> Iterator[str]:
    if it.moved is None or not is_off(it):
        return
    values = {"host": it.moved.to, "when": moment(it.moved.at, it.measured.at)}
    for step in reversed(it.trend.steps):
        if step.since <= it.moved.at <= step.at or 0 <= step.since - it.moved.at <= _AFTERWARDS:
            yield _(
                "It was moved to {host} at {when}, and after that its clock jumped {step}."
            ).format(**values, step=jumped(step.by))
            return
    if 0 <= since - it.moved.at <= _AFTERWARDS:
        # a small step looks like a fast drift
        yield _("It was moved to {host} at {when}: its clock may have jumped then.").format(
            **values
        )


def _service(it: Account) -> Iterator[str]:
    measured = it.measured
    if measured.unclear:
        yield _("What keeps it right is not known: {why}").format(why=measured.unclear)
    if not measured.asked or dependent(it):
        return
    service = measured.service
    if service is None:
        yield _("No time service was found on it: nothing keeps its clock right.")
    elif service.sync is Sync.DEAD:
        yield _("Its time service {service} does not run.").format(service=service.name)
    else:
        yield from _sources(service)


def _sources(service: TimeService) -> Iterator[str]:
    """What is wrong with the servers that a time service follows."""
    false = [each for each in service.sources if each.standing is Standing.FALSE]
    if false:
        yield _("Its sources disagree; {service} holds to be wrong: {names}.").format(
            service=service.name, names=_names(false)
        )
    if service.unheard:
        yield _("None of the sources of {service} answers: {names}.").format(
            service=service.name, names=_names(service.sources)
        )
    elif service.sync is Sync.SYNCHRONISED:
        return
    elif not service.sources:
        yield _("{service} runs, and has no source at all.").format(service=service.name)
    elif not false:
        yield _("{service} has selected none of its sources: {names}.").format(
            service=service.name, names=_names(service.sources)
        )


def _names(sources: list[Source] | tuple[Source, ...]) -> str:
    named = [clean(each.name, _LONGEST) for each in sources[:_NAMED]]
    more = ", …" if len(sources) > _NAMED else ""
    return ", ".join(named) + more


def _clocksource(it: Account) -> Iterator[str]:
    kernel = it.measured.kernel
    if kernel is None or not kernel.clocksource or kernel.clocksource in _GOOD:
        return
    yield _("Its kernel takes the time from {source}, where xen or tsc would be right.").format(
        source=clean(kernel.clocksource, _LONGEST)
    )


def _believes(it: Account) -> Iterator[str]:
    service = it.measured.service
    if service is None or service.sync is not Sync.SYNCHRONISED or not is_off(it):
        return
    if service.offset is None or service.unheard or dependent(it):
        return
    claim = Reading(service.offset, service.bound or 0.0)
    if claim.most >= it.sweep.tolerance:
        # it knows, and is at work
        return
    followed = [each for each in service.sources if each.standing is Standing.SELECTED]
    yield _(
        "{service} believes that all is well ({size}): its source {source} is wrong itself, or it "
        "has not asked since the clock jumped."
    ).format(
        service=service.name,
        size=size(service.offset),
        source=_names(followed) or _("(not known)"),
    )
