"""Mending a clock: each change is sent once, and then the clock itself says what became of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.core.clock_mending import Way, state
from bot.core.clocks import Reading, Role
from bot.core.render import Reply
from bot.devices.time_service import TimeServiceDriver
from bot.engine.clock_fix_card import Mending
from bot.engine.clock_fix_seen import (
    BEGUN,
    SENT,
    TAKEN,
    Seen,
    demand_same,
    look,
    no_agreement,
    not_done,
    now_text,
    progress,
    right,
    unknown,
)
from bot.engine.clock_fixable import kind_of
from bot.engine.context import Context
from bot.errors import DeviceError, Failed, OutcomeUnknown, StoreError
from bot.i18n import _


async def carry_out(ctx: Context, it: Mending) -> Reply:
    """Do it, and follow the clock until it is right, or the patience is over.

    Raises `Refused` where nothing was stepped, `Failed` where it certainly did not help,
    `OutcomeUnknown` where the clock could not be measured afterwards.
    """
    await ctx.own(it.host)
    await ctx.note(BEGUN, _noted(it))
    if it.way is Way.STEP:
        await _ask_again(ctx, it)
        if (seen := await _sees_it(ctx, it)) is not None:
            await ctx.clocks.keep(seen.sweep)
            return right(ctx, it, seen)
    if it.way is not Way.SLEW:
        await ctx.note(SENT, True)
    await ctx.no_return()
    await (_ask_again(ctx, it) if it.way is Way.SLEW else _send(ctx, it))
    return await follow(ctx, it)


def found(ctx: Context) -> Mending | None:
    """What was noted before the bot died; None where nothing was sent."""
    noted = ctx.notes.get(BEGUN)
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
    if it.way is Way.SLEW or SENT in ctx.notes:
        return await follow(ctx, it)
    seen = await look(ctx, it)
    if seen.done(ctx, it):
        return right(ctx, it, seen)
    raise Failed(
        _("The bot was stopped before it did anything to the clock of {name}.").format(
            name=it.machine.whose
        )
        + " "
        + now_text(it, seen),
        hint=_("{prefix}clock fix {name} begins anew.").format(
            prefix=ctx.prefix, name=it.machine.whose
        ),
    )


async def settle(ctx: Context, it: Mending) -> Reply:
    """What is so now, for a person who waits; raises as `follow`."""
    seen = await look(ctx, it)
    if seen.done(ctx, it):
        return right(ctx, it, seen)
    if seen.offset is not None:
        raise Failed(now_text(it, seen))
    if await _may_be_under_way(ctx, it):
        raise unknown(ctx, it, seen)
    raise Failed(now_text(it, seen), hint=_("Look at it before you rely on it."))


async def _may_be_under_way(ctx: Context, it: Mending) -> bool:
    """Whether something may still happen to a clock that cannot be measured.

    A guest that hangs takes no order any more, and must not stay locked: it is to be ended.
    """
    if it.machine.whose.role is Role.HOST:
        return True
    _found, silent = await ctx.clocks.places()
    return silent


async def follow(ctx: Context, it: Mending) -> Reply:
    """Measure until the clock is right, or until the patience for it is over."""
    loop = asyncio.get_running_loop()
    began, first = loop.time(), None
    async with ctx.step(_("measure the clock of {name}").format(name=it.machine.whose)):
        while True:
            seen = await look(ctx, it)
            if seen.done(ctx, it):
                await ctx.clocks.keep(seen.sweep)
                return right(ctx, it, seen)
            passed = loop.time() - began
            if seen.offset is not None and first is None:
                first, began = seen.offset, loop.time()
            if passed >= ctx.clocks.rules.patience:
                await ctx.clocks.keep(seen.sweep)
                # one look says nothing of a pace but against what it was before
                pace_from = it.before if first is seen.offset or first is None else first
                return not_done(ctx, it, pace_from, seen, passed)
            await ctx.progress(progress(it, seen))
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
        raise await _refused(ctx, it, error) from error
    if not taken:
        raise Failed(
            _("{service} on {name} cannot be told to step the clock; nothing was done.").format(
                service=it.service, name=it.machine.whose
            )
        )
    with suppress(StoreError):
        await ctx.note(TAKEN, True)


async def _refused(ctx: Context, it: Mending, error: DeviceError | StoreError) -> Failed:
    """What is raised where the machine refused; one that stopped its service says so itself."""
    values = {"name": it.machine.whose, "service": it.service, "why": error}
    if it.way is Way.STEP or isinstance(error, StoreError):
        sentence = _("Nothing was done to the clock of {name}: {why}")
        return Failed(sentence.format(**values), hint=error.hint)
    seen = await look(ctx, it)
    sentence = _("{service} was not started anew on {name}: {why}")
    now = _("{state}.").format(state=state(seen.service)) if seen.service else now_text(it, seen)
    hint = f"{error.hint}\n{now}".strip()
    return Failed(sentence.format(**values), hint=hint)


async def _sees_it(ctx: Context, it: Mending) -> Seen | None:
    """Wait until the time service sees the offset itself; what was seen, where it is right by then.

    Its sources are what it steps to.  Raises `Refused` where they say another time to the end, and
    where the clock moved meanwhile; `Cancelled` where the job was.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    title = _("wait until {service} sees the offset itself").format(service=it.service)
    async with ctx.step(title):
        while True:
            ctx.give_up()
            seen = await look(ctx, it)
            passed = loop.time() - began
            if seen.done(ctx, it):
                return seen
            if seen.confirmed(ctx):
                demand_same(ctx, it, seen, passed)
                return None
            if passed >= ctx.clocks.rules.patience:
                raise no_agreement(ctx, it, seen)
            await ctx.progress(progress(it, seen))
            await asyncio.sleep(ctx.timing.follow_every)
