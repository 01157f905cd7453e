"""Where all guests are: one census for all of them, which reads each host twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
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
    """Look once at every host; where that shows anything odd, read all of them twice, as a census.

    A host that is silent once is not asked again; what the others show of a guest says nothing of
    what is there.
    """
    answering = list(hosts)
    views, silent = await _round(answering, _list)
    roll = _roll([views, views], silent)
    if all(map(_is_plain, roll.censuses.values())):
        return roll
    rounds = []
    for _number in range(2):
        answering = [host for host in answering if host.name not in silent]
        views, failed = await _round(answering, look)
        silent |= failed
        rounds.append(views)
    return _roll(rounds, silent)


def _is_plain(census: Census) -> bool:
    """Whether the guest is whole on one host, so that what transfers there are makes no odds."""
    return len(census.copies) == len(census.whole) == 1


def _roll(rounds: list[list[View]], silent: Mapping[str, str]) -> Roll:
    # a host that fell silent between the rounds would look as if all its guests moved
    rounds = [[view for view in views if view.host not in silent] for views in rounds]
    return Roll({name: judge(name, uuid, rounds) for name, uuid in _guests(rounds)}, silent)


async def _round(
    hosts: Sequence[Host], ask: Callable[[Host], Awaitable[View]]
) -> tuple[list[View], dict[str, str]]:
    """What *ask* shows of each host, and why those that said nothing did not."""
    answers = await asyncio.gather(*(_asked(host, ask) for host in hosts))
    silent = {
        host.name: answer
        for host, answer in zip(hosts, answers, strict=True)
        if isinstance(answer, str)
    }
    return [answer for answer in answers if isinstance(answer, View)], silent


async def _asked(host: Host, ask: Callable[[Host], Awaitable[View]]) -> View | str:
    try:
        return await ask(host)
    except DeviceError as error:
        return clean(str(error), 200)


async def _list(host: Host) -> View:
    return View(host.name, await host.toolstack.domains(), ())


def _guests(rounds: list[list[View]]) -> list[tuple[str, str]]:
    """The name and the UUID of each guest, as it was first seen."""
    found: dict[str, str] = {}
    for view in (view for views in rounds for view in views):
        for domain in view.domains:
            found.setdefault(domain.plain_name, domain.uuid)
    return sorted(found.items())
