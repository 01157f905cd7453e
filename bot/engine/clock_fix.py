"""Mending a clock: each change is sent once, and then the clock itself says what became of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from bot.core.clock_mending import Way, agrees, belief, better, mended, time_left
from bot.core.clock_text import said
from bot.core.clocks import Reading, Role
from bot.core.render import Reply, duration
from bot.core.time_service import Sync, TimeService
from bot.devices.time_service import TimeServiceDriver
from bot.engine.clock_fix_card import Mending
from bot.engine.clock_fixable import kind_of
from bot.engine.context import Context
from bot.engine.following import how_to_settle
from bot.errors import DeviceError, Failed, OutcomeUnknown, Refused, StoreError
from bot.i18n import _

#: what is noted: before anything is sent; before the clock is stepped or its service started; and
#: once that was taken
_BEGUN, _SENT, _TAKEN = "clock", "clock-sent", "clock-taken"


@dataclass(frozen=True)
class _Seen:
    """What one look showed."""

    #: against the reference; None where it could not be measured
    offset: Reading | None
    service: TimeService | None = None
    why: str = ""

    def done(self, ctx: Context, it: Mending) -> bool:
        """Whether the clock is right, and kept right."""
        if self.offset is None or (self.service is not None and not self.service.runs):
            return False
        if it.way is Way.RESTART and not self.synchronised:
            return False
        return mended(it.before, self.offset, ctx.clocks.rules.thresholds.notice)

    @property
    def synchronised(self) -> bool:
        return self.service is not None and self.service.sync is Sync.SYNCHRONISED

    def confirmed(self, ctx: Context) -> bool:
        """Whether the time service sees the offset that was measured."""
        if self.offset is None or self.service is None:
            return False
        return agrees(self.service, self.offset, ctx.clocks.rules.thresholds.notice)


async def carry_out(ctx: Context, it: Mending) -> Reply:
    """Do it, and follow the clock until it is right, or the patience is over.

    Raises `Refused` where nothing was stepped, `Failed` where it certainly did not help,
    `OutcomeUnknown` where the clock could not be measured afterwards.
    """
    await ctx.own(it.host)
    await ctx.note(_BEGUN, _noted(it))
    if it.way is Way.STEP:
        await _ask_again(ctx, it)
        if (seen := await _sees_it(ctx, it)) is not None:
            return _right(ctx, it, seen)
    if it.way is not Way.SLEW:
        await ctx.note(_SENT, True)
    await ctx.no_return()
    await (_ask_again(ctx, it) if it.way is Way.SLEW else _send(ctx, it))
    return await follow(ctx, it)


def found(ctx: Context) -> Mending | None:
    """What was noted before the bot died; None where nothing was sent."""
    noted = ctx.notes.get(_BEGUN)
    if noted is None:
        return None
    name, host = str(noted["name"]), ctx.world.hosts.get(noted["host"])
    if host is None:
        raise OutcomeUnknown(_("The host of this is no longer in the config."))
    is_host = noted["role"] == Role.HOST.value
    machine = ctx.clocks.host(host) if is_host else ctx.clocks.guest(name, host.name)
    before = Reading(float(noted["offset"]), float(noted["bound"]))
    return Mending(
        machine, Way(noted["way"]), str(noted["service"]), before, host, tuple(noted["followers"])
    )


def _noted(it: Mending) -> dict[str, object]:
    return {
        "role": it.machine.whose.role.value,
        "name": it.machine.whose.name,
        "host": it.host.name,
        "way": it.way.value,
        "service": it.service,
        "offset": it.before.offset,
        "bound": it.before.bound,
        "followers": list(it.followers),
    }


async def look_after(ctx: Context, it: Mending) -> Reply:
    """After a crash: say what became of it by the clock itself, and send nothing again."""
    if it.way is Way.SLEW or _SENT in ctx.notes:
        return await follow(ctx, it)
    seen = await _look(ctx, it)
    if seen.done(ctx, it):
        return _right(ctx, it, seen)
    raise Failed(
        _("The bot was stopped before it did anything to the clock of {name}.").format(
            name=it.machine.whose
        )
        + " "
        + _now(it, seen),
        hint=_("{prefix}clock fix {name} begins anew.").format(
            prefix=ctx.prefix, name=it.machine.whose
        ),
    )


async def settle(ctx: Context, it: Mending) -> Reply:
    """What is so now, for a person who waits; raises as `follow`."""
    seen = await _look(ctx, it)
    if seen.done(ctx, it):
        return _right(ctx, it, seen)
    if seen.offset is None and it.machine.session is not None:
        raise _unknown(ctx, it, seen)
    raise Failed(_now(it, seen))


async def follow(ctx: Context, it: Mending) -> Reply:
    """Measure until the clock is right, or until the patience for it is over."""
    loop = asyncio.get_running_loop()
    began, first = loop.time(), None
    async with ctx.step(_("measure the clock of {name}").format(name=it.machine.whose)):
        while True:
            seen = await _look(ctx, it)
            if seen.done(ctx, it):
                return _right(ctx, it, seen)
            passed = loop.time() - began
            if seen.offset is not None and first is None:
                first, began = seen.offset, loop.time()
            if passed >= ctx.clocks.rules.patience:
                return _not_done(ctx, it, first, seen, passed)
            await ctx.progress(_progress(it, seen))
            await asyncio.sleep(ctx.timing.follow_every)


# -- what is sent


def _driver(ctx: Context, it: Mending) -> TimeServiceDriver:
    session = it.machine.session
    assert session is not None  # else it would not have been planned
    return kind_of(ctx, it.service)(it.machine.whose.name, session)


async def _ask_again(ctx: Context, it: Mending) -> None:
    """Have its sources asked at once; where it cannot be told, it asks them in its own time.

    Raises `Failed` where the machine does not let the bot ask.
    """
    try:
        async with ctx.step(it.ask_again, changes=True):
            await _driver(ctx, it).ask_again()
    except OutcomeUnknown:
        return  # to ask is all that it does: the clock says what came of it
    except (DeviceError, StoreError) as error:
        sentence = _("Nothing was done to the clock of {name}: {why}")
        raise Failed(sentence.format(name=it.machine.whose, why=error), hint=error.hint) from error


async def _send(ctx: Context, it: Mending) -> None:
    """Step the clock, or start its service: once, whatever becomes of it."""
    driver = _driver(ctx, it)
    taken = True
    try:
        async with ctx.step(it.title, changes=True):
            if it.way is Way.STEP:
                taken = await driver.step()
            else:
                await driver.restart()
    except OutcomeUnknown:
        return
    except (DeviceError, StoreError) as error:
        sentence = _("Nothing was done to the clock of {name}: {why}")
        raise Failed(sentence.format(name=it.machine.whose, why=error), hint=error.hint) from error
    if not taken:
        raise Failed(
            _("{service} on {name} cannot be told to step the clock; nothing was done.").format(
                service=it.service, name=it.machine.whose
            )
        )
    with suppress(StoreError):
        await ctx.note(_TAKEN, True)


async def _sees_it(ctx: Context, it: Mending) -> _Seen | None:
    """Wait until the time service sees the offset itself; what was seen, where it is right by then.

    Its sources are what it steps to.  Raises `Refused` where they say another time to the end.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ctx.clocks.rules.patience
    title = _("wait until {service} sees the offset itself").format(service=it.service)
    async with ctx.step(title):
        while True:
            seen = await _look(ctx, it)
            if seen.done(ctx, it):
                return seen
            if seen.confirmed(ctx):
                return None
            if loop.time() >= deadline:
                raise _no_agreement(ctx, it, seen)
            await ctx.progress(_progress(it, seen))
            await asyncio.sleep(ctx.timing.follow_every)


def _no_agreement(ctx: Context, it: Mending, seen: _Seen) -> Refused:
    name = it.machine.whose
    if seen.offset is None or seen.service is None:
        why = _("{name} does not answer any more: {why}").format(name=name, why=seen.why)
        return Refused(_("The clock of {name} was not stepped.").format(name=name), hint=why)
    sentence = _(
        "The clock of {name} was not stepped: it is {offset}, but its own sources say another time."
    )
    return Refused(
        sentence.format(name=name, offset=said(seen.offset)),
        hint="\n".join(
            [
                belief(seen.service),
                _("Mend its sources first; {prefix}clock {name} shows them.").format(
                    prefix=ctx.prefix, name=name
                ),
            ]
        ),
    )


# -- what the clock says


async def _look(ctx: Context, it: Mending) -> _Seen:
    sweep = await ctx.clocks.measure([it.machine])
    measured = sweep.of(it.machine.whose)
    assert measured is not None
    if sweep.reference != ctx.clocks.reference:
        reference = sweep.of(ctx.clocks.reference)
        return _Seen(None, measured.service, reference.why if reference is not None else "")
    return _Seen(sweep.offset(it.machine.whose), measured.service, measured.why)


def _progress(it: Mending, seen: _Seen) -> str:
    if seen.offset is None:
        return _("{name} cannot be measured now: {why}").format(name=it.machine.whose, why=seen.why)
    return _("{name}: {before} → {now}").format(
        name=it.machine.whose, before=said(it.before), now=said(seen.offset)
    )


def _now(it: Mending, seen: _Seen) -> str:
    if seen.offset is None:
        return _("Its clock cannot be measured: {why}").format(why=seen.why)
    sentence = _("It was {before}, and is {now}.")
    return sentence.format(before=said(it.before), now=said(seen.offset))


def _right(ctx: Context, it: Mending, seen: _Seen) -> Reply:
    assert seen.offset is not None
    sentence = _("The clock of {name} is right: it was {before}, and is {now}.")
    if it.way is Way.RESTART:
        sentence = _("{service} runs anew on {name}: its clock was {before}, and is {now}.")
    elif it.way is Way.STEP and _TAKEN in ctx.notes:
        sentence = _("{service} stepped the clock of {name}: it was {before}, and is {now}.")
    hint = ""
    if it.followers:
        hint = _("The clocks of its guests went with it: {names}.").format(
            names=", ".join(it.followers)
        )
    return Reply(
        sentence.format(
            name=it.machine.whose, service=it.service, before=said(it.before), now=said(seen.offset)
        ),
        hint=hint,
    )


def _not_done(
    ctx: Context, it: Mending, first: Reading | None, seen: _Seen, passed: float
) -> Reply:
    """What is said where the patience is over."""
    name = it.machine.whose
    if seen.offset is None or first is None:
        raise _unknown(ctx, it, seen)
    look = _("{prefix}clock {name} shows it.").format(prefix=ctx.prefix, name=name)
    runs, notice = (
        seen.service is not None and seen.service.runs,
        ctx.clocks.rules.thresholds.notice,
    )
    hints = [belief(seen.service)] if seen.service is not None else []
    if it.way is Way.RESTART and runs and mended(it.before, seen.offset, notice):
        sentence = _("{service} runs anew on {name}, and is not synchronised yet.")
        return Reply(
            sentence.format(service=it.service, name=name),
            hint="\n".join([*hints, _now(it, seen), look]),
        )
    if runs and better(first, seen.offset):
        left = time_left(first, seen.offset, passed, notice)
        return Reply(
            _("The clock of {name} is being slewed: it was {before}, and is {now}.").format(
                name=name, before=said(it.before), now=said(seen.offset)
            ),
            hint=_("At this pace it takes about {time} more. {look}").format(
                time=duration(left), look=look
            ),
        )
    raise Failed(
        _("After {time} the clock of {name} is no better: it was {before}, and is {now}.").format(
            time=duration(passed), name=name, before=said(it.before), now=said(seen.offset)
        ),
        hint="\n".join([*hints, look]),
    )


def _unknown(ctx: Context, it: Mending, seen: _Seen) -> OutcomeUnknown:
    return OutcomeUnknown(
        _("It cannot be said what became of the clock of {name}: {why}").format(
            name=it.machine.whose, why=seen.why
        ),
        hint=how_to_settle(ctx),
    )
