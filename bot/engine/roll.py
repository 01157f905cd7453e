"""Where all guests are: one census for all of them, which reads each host twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.text import clean
from bot.devices.host import Host
from bot.engine.census import Census, View, judge, look
from bot.errors import DeviceError


@dataclass(frozen=True)
class Roll:
    """What was seen of every guest that any host lists, and which hosts said nothing."""

    censuses: Mapping[str, Census]
    #: why each host that did not answer did not
    silent: Mapping[str, str]


async def call(hosts: Iterable[Host]) -> Roll:
    """Read every host, then every host again.

    A host that is silent once is not asked again; what the others show of a guest says nothing of
    what is there.
    """
    answering, silent = list(hosts), dict[str, str]()
    rounds: list[list[View]] = []
    for _round in range(2):
        views = await asyncio.gather(*(_view(host) for host in answering))
        silent |= {
            host.name: why for host, (_seen, why) in zip(answering, views, strict=True) if why
        }
        rounds.append([view for view, _why in views if view is not None])
        answering = [host for host in answering if host.name not in silent]
    # one that fell silent between the rounds would look as if all its guests moved
    rounds = [[view for view in views if view.host not in silent] for views in rounds]
    return Roll({name: judge(name, uuid, rounds) for name, uuid in _guests(rounds)}, silent)


async def _view(host: Host) -> tuple[View | None, str]:
    try:
        return await look(host), ""
    except DeviceError as error:
        return None, clean(str(error), 200)


def _guests(rounds: list[list[View]]) -> list[tuple[str, str]]:
    """The name and the UUID of each guest, as it was first seen."""
    found: dict[str, str] = {}
    for view in (view for views in rounds for view in views):
        for domain in view.domains:
            found.setdefault(domain.plain_name, domain.uuid)
    return sorted(found.items())
