"""`xl destroy`: the power cord of a domain.

libxl stops it, closes its devices, then lets Xen take its memory back.  Meanwhile it is listed,
paused first, then dying and without a name, for its place in xenstore is gone already
(libxl_domain.c; the recording 98-destroy shows only what is left: nothing).
"""

from __future__ import annotations

import asyncio

from bot.lab import faults
from bot.lab.command import Command
from bot.lab.dom0 import Dom0
from bot.lab.domains import Domain, Life
from bot.lab.world import World
from bot.lab.xl import texts
from bot.lab.xl.options import find_domain, read_words

#: libxl's numbers for "no such domain" and for a failure (libxl_types.idl)
_NOT_FOUND, _FAIL = -21, -3
#: how `xl list` shows a domain without a name
_NAMELESS = "(null)"


async def destroy(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl destroy NAME|ID` (44 to 46, 98)."""
    word = read_words(arguments, "hf", least=1).rest[0]
    if word.isdigit() and command.dom0.find(word) is None:
        # a number is not looked up, so it is libxl that finds nothing: derived from 49
        command.err(texts.destruction_failed(int(word)) + texts.destroy_failed(_NOT_FOUND))
        return 1
    domain = find_domain(command, word)
    if domain is None:
        return 1
    if domain.domid == 0:
        command.err(texts.DOMAIN_0)
        return 1
    return await _destroy(command, domain)


async def _destroy(command: Command, domain: Domain) -> int:
    """Take *domain* down; `xl` waits for it, and where it is killed the domain stays as it is."""
    world, host = command.world, command.dom0
    if world.faults.take(faults.DESTROY_FAILURE, host.name):
        command.err(texts.unable_to_destroy(domain.domid) + texts.destroy_failed(_FAIL))
        return 1
    host.live(domain, Life.DOOMED)
    await asyncio.sleep(world.pace.destroy / 2)
    if host.holds(domain):
        host.rename(domain, _NAMELESS)
        host.live(domain, Life.DYING)
    if world.faults.take(faults.ZOMBIE, host.name):
        world.chores.start(_linger(world, host, domain))
        return 0
    await asyncio.sleep(world.pace.destroy / 2)
    _gone(host, domain)
    return 0


async def _linger(world: World, host: Dom0, domain: Domain) -> None:
    """Something holds pages of *domain* until the faults are cleared."""
    await world.faults.cleared()
    _gone(host, domain)


def _gone(host: Dom0, domain: Domain) -> None:
    if host.holds(domain):
        host.drop(domain)
