"""Which volume is behind a path on a host: proven by asking the device, never by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.core.text import clean
from bot.devices.host import Host, Link
from bot.devices.storage import StorageArray, Volume
from bot.devices.xen import DomainConfig
from bot.errors import DeviceError
from bot.i18n import _


@dataclass(frozen=True)
class Proof:
    """One disk of a guest: the volume that its name promises, and what answers on each host."""

    path: str
    volume: Volume | None
    links: Mapping[str, Link]

    def holds(self, host: str) -> bool:
        """Whether the right volume answered behind the path on *host*."""
        return self.volume is not None and self.links[host].wwn == self.volume.wwn

    def missing(self, host: str) -> bool:
        return not self.links[host].device


async def by_name(arrays: Iterable[StorageArray]) -> dict[str, Volume]:
    """Every volume of every array; raises `DeviceError` where two have one name."""
    found: dict[str, Volume] = {}
    for array in arrays:
        for volume in await array.volumes():
            if volume.name in found:
                raise DeviceError(_("Two volumes are called {name}.").format(name=volume.name))
            found[volume.name] = volume
    return found


async def prove(
    hosts: Sequence[Host], paths: Iterable[str], volumes: Mapping[str, Volume]
) -> list[Proof]:
    """Ask on each of *hosts* who is behind each of *paths*, now."""
    return [
        Proof(
            path,
            promised(path, volumes),
            {host.name: await host.links.look(path) for host in hosts},
        )
        for path in paths
    ]


def wrong(proof: Proof, host: Host) -> str:
    """What is wrong with the link of *proof* on *host*, which does not hold; a sentence."""
    values = {"path": clean(proof.path, 80), "host": host, "wwn": proof.links[host.name].wwn}
    if proof.missing(host.name):
        return _("{path} is missing on {host}.").format(**values)
    if not proof.links[host.name].wwn:
        return _("Nothing answers behind {path} on {host}.").format(**values)
    return _("{path} on {host} leads to another volume ({wwn}).").format(**values)


def promised(path: str, volumes: Mapping[str, Volume]) -> Volume | None:
    """The volume that ``/dev/NAME`` promises by the site's rule; None for any other path."""
    name = PurePosixPath(path)
    return volumes.get(name.name) if str(name.parent) == "/dev" else None


async def others_open(
    hosts: Sequence[Host], guest: DomainConfig, wwns: frozenset[str]
) -> list[str]:
    """Domains other than *guest* that have one of *wwns* open, or that cannot be read; sentences.

    A domain that lists and whose configuration cannot be read counts, since its disks are unknown.
    """
    found = await asyncio.gather(*(_open_on(host, guest, wwns) for host in hosts))
    return [sentence for sentences in found for sentence in sentences]


async def _open_on(host: Host, guest: DomainConfig, wwns: frozenset[str]) -> list[str]:
    configs = {config.domid: config for config in await host.toolstack.configs()}
    sentences = []
    for domain in await host.toolstack.domains():
        config = configs.get(domain.domid)
        if config is None:
            sentences.append(
                _("{host} lists {name} but not its disks.").format(host=host, name=domain.name)
            )
        elif domain.uuid != guest.uuid:
            sentences += await _shared(host, config, wwns)
    return sentences


async def _shared(host: Host, config: DomainConfig, wwns: frozenset[str]) -> list[str]:
    links = await asyncio.gather(*(host.links.look(disk.path) for disk in config.disks))
    return [
        _("{name} on {host} has the volume behind {path} open.").format(
            name=config.name, host=host, path=link.path
        )
        for link in links
        if link.wwn in wwns
    ]
