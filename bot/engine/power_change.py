"""A change to a host's power: sent once, and followed until the power says that it is done."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from bot.core.render import Reply, duration
from bot.devices.power import Power, PowerChange
from bot.engine.context import Context
from bot.engine.following import how_to_settle
from bot.engine.power_card import Powering, lights_out, power_in_words
from bot.errors import DeviceError, Failed, OutcomeUnknown, StoreError
from bot.i18n import _


async def carry_out(ctx: Context, it: Powering) -> Reply:
    """Send it, once, and follow it to its end.

    Raises `Failed` where it certainly did not happen, `OutcomeUnknown` where that cannot be said.
    """
    noted = {"host": it.host.name, "change": it.change.value, "boot": it.boot}
    await ctx.note("power", noted | {"serial": it.serial})
    await ctx.no_return()
    try:
        async with ctx.step(it.title, changes=True):
            await lights_out(it.host).change(it.change)
    except OutcomeUnknown:
        return await follow(ctx, it, taken=False)
    except (DeviceError, StoreError) as error:
        sentence = _("Nothing was done to the power of {host}: {why}")
        raise Failed(sentence.format(host=it.host, why=error), hint=error.hint) from error
    with suppress(StoreError):
        await ctx.note("taken", True)
    return await follow(ctx, it, taken=True)


def found(ctx: Context) -> Powering | None:
    """What was noted before the bot died; None where nothing was."""
    noted = ctx.notes.get("power")
    if noted is None:
        return None
    if noted["host"] not in ctx.world.hosts:
        raise OutcomeUnknown(_("The host of this is no longer in the config."))
    return Powering(
        ctx.world.hosts[noted["host"]],
        PowerChange(noted["change"]),
        str(noted["boot"]),
        str(noted["serial"]),
    )


async def follow(ctx: Context, it: Powering, *, taken: bool) -> Reply:
    """Look until it is done, or until the patience for it is over; *taken*: the iLO said so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ctx.timing.power
    async with ctx.step(_("look until it is done")):
        while True:
            seen = await _look(it)
            if said := _done(it, seen, taken=taken):
                return Reply(said)
            if loop.time() >= deadline:
                return _not_done(ctx, it, seen, taken=taken)
            await ctx.progress(seen.sentence(it))
            await asyncio.sleep(ctx.timing.follow_every)


async def settle(ctx: Context, it: Powering) -> Reply:
    """What is so now, for a person who waits."""
    taken = bool(ctx.notes.get("taken"))
    seen = await _look(it)
    if said := _done(it, seen, taken=taken):
        return Reply(said)
    if seen.power is None:
        raise _unknown(ctx, it, seen)
    if it.change is PowerChange.RESET and not seen.same_boot(it):
        sentence = _("Whether {host} was reset is not known. Now: {seen}")
        return Reply(sentence.format(host=it.host, seen=seen.sentence(it)))
    raise Failed(seen.sentence(it))


@dataclass(frozen=True)
class _Seen:
    """What one look showed."""

    #: None where the iLO does not say
    power: Power | None
    why: str = ""
    #: the boot that runs now; empty where the host does not answer, or was not asked
    boot: str = ""

    def same_boot(self, it: Powering) -> bool:
        """Whether the very boot still runs that ran before."""
        return bool(it.boot) and self.boot == it.boot

    def other_boot(self, it: Powering) -> bool:
        """Whether another boot runs than before."""
        return bool(it.boot and self.boot) and self.boot != it.boot

    def sentence(self, it: Powering) -> str:
        if self.power is None:
            return _("Whether {host} has power is not known: {why}").format(
                host=it.host, why=self.why
            )
        said = power_in_words(it.host, self.power)
        if self.same_boot(it):
            return _("{said}, and it was never down.").format(said=said)
        return _("{said}.").format(said=said)


async def _look(it: Powering) -> _Seen:
    ilo = lights_out(it.host)
    try:
        # its address may lead elsewhere by now
        if (server := await ilo.server()).serial != it.serial:
            why = _("{ilo} belongs to the server {serial} now, and it was {before}.")
            return _Seen(None, why.format(ilo=ilo.name, serial=server.serial, before=it.serial))
        power = await ilo.power()
    except DeviceError as error:
        return _Seen(None, str(error))
    boot = ""
    if power is Power.ON and it.change in (PowerChange.CUT, PowerChange.RESET):
        with suppress(DeviceError):
            boot = await it.host.toolstack.boot()
    return _Seen(power, boot=boot)


def _done(it: Powering, seen: _Seen, *, taken: bool) -> str:
    """What is said where it is done; empty where it is not."""
    if it.change is PowerChange.RESET:
        if seen.other_boot(it):
            return _("{host} was reset, and answers again.").format(host=it.host)
        # that it answers now proves nothing where it did not before: that may have been a moment
        return ""
    if it.change is PowerChange.CUT and seen.other_boot(it):
        return _("{host} was off, and is up again.").format(host=it.host)
    wanted = Power.ON if it.change is PowerChange.ON else Power.OFF
    if seen.power is not wanted:
        return ""
    said = _("{host} is on.") if wanted is Power.ON else _("{host} is off.")
    return said.format(host=it.host)


def _not_done(ctx: Context, it: Powering, seen: _Seen, *, taken: bool) -> Reply:
    """What is said where the patience is over."""
    after = duration(ctx.timing.power)
    if seen.power is None:
        raise _unknown(ctx, it, seen)
    if seen.same_boot(it) or it.change is PowerChange.ON:
        sentence = _("After {time} it is not done: {seen}")
        raise Failed(sentence.format(time=after, seen=seen.sentence(it)))
    if it.change is PowerChange.RESET and taken and seen.boot and seen.power is Power.ON:
        return Reply(_("{host} was reset, says its iLO; it answers.").format(host=it.host))
    if it.change is PowerChange.RESET and taken and seen.power is Power.ON:
        return Reply(
            _("{host} was reset and has power; it does not answer yet.").format(host=it.host),
            hint=_("{prefix}ilo {host} console shows how it boots.").format(
                prefix=ctx.prefix, host=it.host
            ),
        )
    if it.change is PowerChange.OFF:
        raise OutcomeUnknown(
            _(
                "{host} was asked to shut down and has power after {time}; it may still go down."
            ).format(host=it.host, time=after),
            hint=_(
                "{prefix}ilo {host} console shows what it does; {prefix}job settle {job} once it "
                "is off, or when you give up."
            ).format(prefix=ctx.prefix, host=it.host, job=ctx.job.id),
        )
    raise _unknown(ctx, it, seen)


def _unknown(ctx: Context, it: Powering, seen: _Seen) -> OutcomeUnknown:
    sentence = _("It cannot be said what became of the power of {host}. {seen}")
    return OutcomeUnknown(
        sentence.format(host=it.host, seen=seen.sentence(it)), hint=how_to_settle(ctx)
    )
