"""A Dom0 that does not answer: what its iLO says goes with every answer that needed it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from bot.core.events import Ended
from bot.core.text import clean
from bot.devices.host import Host
from bot.devices.power import LightsOut
from bot.engine import guards
from bot.engine.power_card import power_in_words
from bot.engine.run import Run
from bot.errors import BotError
from bot.i18n import _

log = structlog.get_logger()


async def told(run: Run, ended: Ended) -> Ended:
    """*ended*, and for each Dom0 that was silent what its iLO says, where the asker may ask it.

    Asks no longer than one may take to be reached, and raises nothing: the answer is what counts.
    """
    try:
        return await _told(run, ended)
    except Exception:
        log.exception("an iLO's view is missing", job=run.job.id)
        return ended


async def _told(run: Run, ended: Ended) -> Ended:
    if run.verb.startswith("ilo."):
        return ended
    asked = [
        _ask(run, host, host.lights_out)
        for name, host in run.engine.world.hosts.items()
        if name in run.silent and host.lights_out is not None and _may(run, host)
    ]
    if not asked:
        return ended
    lines = await asyncio.gather(*asked)
    hint = "\n".join(filter(None, (ended.reply.hint, *lines)))
    return replace(ended, reply=replace(ended.reply, hint=hint))


def _may(run: Run, host: Host) -> bool:
    """Whether who asked may ask the iLO of *host* where the answer is given."""
    engine, job = run.engine, run.job
    command = engine.registry.find(["ilo"])
    if command is None or not engine.rooms.take(job.room, command):
        return False
    bound = command.bind([host.name, "status"], guards.Names(engine.policy))
    return guards.may(command, engine.rights(job.person, job.room), bound)


async def _ask(run: Run, host: Host, it: LightsOut) -> str:
    try:
        async with asyncio.timeout(run.engine.timing.connect):
            power = await it.power()
    except TimeoutError:
        return _("The iLO of {host} does not answer either.").format(host=host)
    except BotError as error:
        return _("The iLO of {host} does not say more: {why}").format(
            host=host, why=clean(str(error), 200)
        )
    return _("Its iLO says: {power}. {prefix}ilo {host} console shows its screen.").format(
        power=power_in_words(host, power), host=host, prefix=run.engine.prefix
    )
