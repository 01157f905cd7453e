"""Whether each Dom0 answers, and is this bot's own."""

from __future__ import annotations

import asyncio

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


@watch("hosts", every=30.0, looks=2)
async def hosts(look: Look) -> Sight:
    """Dom0s that do not answer, or that belong to another bot."""
    found = await asyncio.gather(*(_look_at(look, host) for host in look.world.hosts.values()))
    silent = {host for host, finding in found if finding is not None and finding.key == host}
    return Sight(
        tuple(finding for _host, finding in found if finding is not None),
        # whose they are is not known meanwhile
        frozenset((Thing.HOST, host) for host in silent),
    )


async def _look_at(look: Look, host: Host) -> tuple[str, Finding | None]:
    """What is wrong with *host*."""
    try:
        await host.toolstack.info()
        owner = await look.foreign_owner(host)
    except (DeviceError, OutcomeUnknown) as error:
        return host.name, _silent(host, str(error))
    return host.name, _foreign(host, owner) if owner else None


def _silent(host: Host, why: str) -> Finding:
    return Finding(
        host.name,
        Severity.CRITICAL,
        _("{host} does not answer.").format(host=host),
        frozenset({(Thing.HOST, host.name)}),
        details=clean(why, 300),
        hint=_("{prefix}status shows what still does."),
        group="hosts",
    )


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
