"""What every command shares whose work runs detached on a host: begun once, found again, settled.

A command notes its attempt, then begins its errand; after a crash it resumes the one that it noted,
and where a person settles the job it makes sure first that nothing runs any more.
"""

from __future__ import annotations

from bot.devices.host import Detached, Phase
from bot.engine.context import Context, Requeue
from bot.engine.following import Errand, attempt_name, follow_to_end, send_once
from bot.errors import DeviceError, Failed, Refused
from bot.i18n import _


def next_attempt(ctx: Context, key: str) -> tuple[str, int]:
    """The name and the number of the attempt after the one that is noted under *key*."""
    number = ctx.notes.get(key, {}).get("number", 0) + 1
    return attempt_name(ctx, number), number


async def begin(ctx: Context, errand: Errand) -> Detached:
    """Send *errand*, once, as the step from which there is no return, and follow it to its end.

    Note the attempt before.  Raises `Failed` where it certainly never ran.
    """
    async with ctx.step(errand.title, changes=True):
        await ctx.no_return()
        try:
            await send_once(errand.host, errand.attempt, errand.words)
        except DeviceError as error:
            message = errand.not_begun.format(why=error)
            raise Failed(message, hint=_how_to_look(ctx, errand)) from error
        state = await follow_to_end(ctx, errand)
        if state.phase is Phase.BARRED:
            raise Failed(errand.never_started, hint=_how_to_look(ctx, errand))
    return state


async def resume(ctx: Context, errand: Errand) -> Detached:
    """Follow what was begun before the bot died; it went on meanwhile, and is not begun again.

    Raises `Requeue` where it certainly never ran.
    """
    if not ctx.job.no_return:
        raise Requeue
    async with ctx.step(_("follow what runs on {host}").format(host=errand.host)):
        state = await follow_to_end(ctx, errand)
    if state.phase is Phase.BARRED:
        raise Requeue
    return state


async def demand_ended(errand: Errand) -> Detached:
    """How *errand* ended; one that never started cannot any more.  Raises `Refused` if it runs."""
    state = await errand.host.launcher.bar(errand.attempt)
    if state.phase is Phase.RUNNING:
        raise Refused(errand.still_runs)
    return state


def _how_to_look(ctx: Context, errand: Errand) -> str:
    """How to learn where the guest is, when that was not looked at."""
    return _("{prefix}domu show {guest} says where it runs.").format(
        prefix=ctx.prefix, guest=errand.guest
    )
