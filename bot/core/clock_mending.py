"""Mending a clock: by which way, when it is done, and what its time service has to say.  No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from bot.core.clock_account import Account
from bot.core.clock_sweep import DRIFT
from bot.core.clock_text import said, size
from bot.core.clocks import Reading, Role
from bot.core.time_service import Source, Standing, Sync, TimeService
from bot.i18n import _

_USABLE = (Standing.SELECTED, Standing.COMBINED, Standing.SPARE)


class Way(Enum):
    """How a clock is mended."""

    #: its time service is asked to look again, and takes the offset away little by little
    SLEW = "slew"
    #: its time service sets it at once
    STEP = "step"
    #: its time service is started anew: it does not run, or takes no other order
    RESTART = "restart"


def mended(before: Reading, now: Reading, notice: float) -> bool:
    """Whether a clock that was off by *before* is right *now*.

    Within *notice*, or within an error that is no larger than it was; one that was within *notice*
    and is stepped all the same has to get far better.
    """
    if before.most <= notice:
        seen = not now.certain and now.bound <= before.bound
        return seen or now.most <= before.least / 4
    if not now.certain:
        return in_order(before, now, notice)
    return now.most <= notice and now.most < before.least


def in_order(before: Reading, now: Reading, notice: float) -> bool:
    """Whether nothing is left to mend *now*, whatever it was: as far as one could see *before*."""
    return now.most <= notice or (not now.certain and now.bound <= before.bound)


def obstacle(it: Account) -> str:
    """Why a clock cannot be mended now though the bot gets in: a sentence, empty for nothing."""
    sweep = it.sweep
    if sweep.doubted:
        return _("Set nothing by {reference} before it is mended.").format(
            reference=sweep.reference
        )
    for each in sweep.measured:
        if each.whose.role is Role.REFERENCE and each.reading is None:
            return _("Nothing is set before {reference} gives the time.").format(
                reference=each.whose
            )
    if it.measured.asked and it.measured.service is None:
        return _("Install a time service there first: chrony, for one.")
    return ""


def better(before: Reading, now: Reading) -> bool:
    """Whether it is certain that the clock is less far off than *before*."""
    return abs(before.offset) - abs(now.offset) > before.bound + now.bound


def farther(before: Reading, now: Reading, seconds: float, notice: float) -> bool:
    """Whether a clock that was off by *before*, *seconds* ago, is off the other way or by more.

    Less is no harm: its time service may slew it already.
    """
    slack = before.bound + now.bound + DRIFT * seconds + notice
    other = before.offset * now.offset < 0
    return other or abs(now.offset) - abs(before.offset) > slack


def time_left(before: Reading, now: Reading, seconds: float, notice: float) -> float:
    """The seconds until *now* is within *notice*, at the pace of the last *seconds*."""
    pace = (abs(before.offset) - abs(now.offset)) / seconds
    return max(0.0, abs(now.offset) - notice) / pace


def agrees(service: TimeService, measured: Reading, tolerance: float) -> bool:
    """Whether a time service sees the offset that was *measured*, so that it steps the right way.

    Within *tolerance* and the bounds of both; and never by so much that holding the clock to be
    right would do.
    """
    if service.offset is None or service.sync is Sync.DEAD:
        return False
    slack = measured.bound + (service.bound or 0.0) + tolerance
    return abs(service.offset - measured.offset) <= min(slack, abs(measured.offset) / 2)


def contradicts(service: TimeService, measured: Reading, notice: float) -> bool:
    """Whether a time service would set the clock to another time than the one that was *measured*.

    One that holds the clock to be right may not have looked since it jumped, and sets nothing else.
    """
    if service.offset is None or agrees(service, measured, notice):
        return False
    own = Reading(service.offset, service.bound or 0.0)
    return own.least > notice


def state(service: TimeService) -> str:
    """How a time service is, in half a sentence."""
    values = {"service": service.name}
    if service.sync is Sync.DEAD:
        return _("{service} is installed and does not run").format(**values)
    if service.sync is Sync.UNSYNCHRONISED:
        return _("{service} runs and is not synchronised").format(**values)
    chosen = ", ".join(_names(service.sources, Standing.SELECTED))
    if chosen:
        return _("{service} runs and follows {source}").format(source=chosen, **values)
    return _("{service} runs and is synchronised").format(**values)


def belief(service: TimeService) -> str:
    """Where a time service holds its clock to be, in one sentence."""
    if service.sync is Sync.DEAD:
        return _("{state}.").format(state=state(service))
    if trouble := no_source(service):
        return trouble
    if service.offset is None:
        return _("{service} does not say how far the clock is off.").format(service=service.name)
    own = Reading(service.offset, service.bound or 0.0)
    if not own.certain:
        sentence = _("{service} holds the clock to be right: {offset}.")
        return sentence.format(service=service.name, offset=said(own))
    sentence = _("{service} sees it {offset}.")
    return sentence.format(service=service.name, offset=said(own))


def no_source(service: TimeService) -> str:
    """Why a time service that runs has no time to take over; empty where it has.

    That it still holds the clock to be synchronised proves nothing: it goes on so for hours.
    """
    if any(each.standing in _USABLE and each.answered != 0 for each in service.sources):
        return ""
    if false := _names(service.sources, Standing.FALSE):
        sentence = _("The sources of {service} disagree with one another: {names}.")
        return sentence.format(service=service.name, names=", ".join(false))
    if not service.sources:
        return _("{service} has no source of time.").format(service=service.name)
    names = ", ".join(each.name for each in service.sources)
    if all(each.standing is Standing.SILENT or each.answered == 0 for each in service.sources):
        sentence = _("None of the sources of {service} answers: {names}.")
    else:
        sentence = _("The sources of {service} are too variable to be used: {names}.")
    return sentence.format(service=service.name, names=names)


def _names(sources: Iterable[Source], standing: Standing) -> list[str]:
    return [each.name for each in sources if each.standing is standing]


def consequences(offset: Reading) -> list[str]:
    """What stepping away *offset* does to those who read the clock, a sentence each."""
    values = {"size": size(offset.offset)}
    if offset.offset > 0:
        return [
            _("the clock goes back by {size}: times that were come again").format(**values),
            _(
                "that can break databases and replication, cron (jobs run twice), Kerberos, TLS "
                "(not yet valid), Dovecot (it stops), NFS and make, and the order of logs"
            ),
        ]
    return [
        _(
            "the clock goes forward by {size}: cron may skip jobs, and what waits for a time "
            "ends at once"
        ).format(**values)
    ]
