"""Whether each Dom0 answers, and is this bot's own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.api import (
    DeviceError,
    Finding,
    Host,
    Look,
    OutcomeUnknown,
    Severity,
    Sight,
    Thing,
    _,
    clean,
    watch,
)

#: seconds after which is asked again whose a host is: each time leaves two entries in the record
ASK_AGAIN = 600.0


@watch("hosts", every=30.0, looks=2)
async def hosts(look: Look) -> Sight:
    """Dom0s that do not answer, or that belong to another bot."""
    found = await asyncio.gather(*(_look_at(look, host) for host in look.world.hosts.values()))
    return Sight(tuple(finding for finding in found if finding is not None))


async def _look_at(look: Look, host: Host) -> Finding | None:
    """What is wrong with *host*."""
    try:
        await host.toolstack.info()
    except DeviceError as error:
        return _silent(host, str(error))
    owner = await _owner(look, host)
    return _foreign(host, owner) if owner else None


async def _owner(look: Look, host: Host) -> str:
    """The other bot that owns *host*, as it said when it was last asked; empty for ours."""
    known = look.memory.setdefault(host.name, {"owner": "", "asked": 0.0})
    if abs(look.now - known["asked"]) >= ASK_AGAIN:
        known["asked"] = look.now
        with suppress(DeviceError, OutcomeUnknown):
            known["owner"] = await look.foreign_owner(host)
    return str(known["owner"])


def _silent(host: Host, why: str) -> Finding:
    return Finding(
        host.name,
        Severity.CRITICAL,
        _("{host} does not answer: {why}").format(host=host, why=clean(why, 200)),
        frozenset({(Thing.HOST, host.name)}),
        hint=_hint(host),
        group="hosts",
    )


def _hint(host: Host) -> str:
    """Where to look next; whoever shows it puts the prefix in."""
    if host.lights_out is None:
        return _("{prefix}status shows what still does.")
    said = _(
        "{{prefix}}status shows what still does, {{prefix}}ilo {host} status whether it has power."
    )
    return said.format(host=host)


def _foreign(host: Host, owner: str) -> Finding:
    return Finding(
        f"{host.name} owner",
        Severity.WARNING,
        _("{host} belongs to another bot (its id is {owner}): reads only.").format(
            host=host, owner=owner
        ),
        frozenset({(Thing.HOST, host.name)}),
        hint=_("Stop the other bot, then remove its owner file on that host."),
        group="hosts",
    )
