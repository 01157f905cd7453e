"""What of the world outlives a stop of the site: who runs where, and the next domain ids."""

from __future__ import annotations

from typing import Any

from bot.lab.dom0 import Dom0
from bot.lab.domains import Domain, Life
from bot.lab.guests import read_config
from bot.lab.world import World


def remember(world: World) -> dict[str, Any]:
    """The world as it will be found again."""
    return {
        host.name: {
            "next_domid": host.next_domid,
            "domains": [
                {"domid": domain.domid, "config": domain.guest.config()}
                for domain in host.domains.values()
                if host.alive and _stays(world, domain)
            ],
        }
        for host in world.hosts.values()
    }


def _stays(world: World, domain: Domain) -> bool:
    """A half-made copy goes; a suspended original stays only where no copy runs."""
    if domain.life is Life.SUSPENDED:
        everywhere = (other for host in world.hosts.values() for other in host.domains.values())
        return not any(o.runs and o.guest.uuid == domain.guest.uuid for o in everywhere)
    return domain.life in {Life.ALIVE, Life.PAUSED}


def restore(world: World, found: dict[str, Any]) -> None:
    """Put the guests back where *found* says they were."""
    for host in world.hosts.values():
        for domain in tuple(host.domains.values()):
            host.drop(domain)
    for name, kept in found.items():
        host = world.hosts[name]
        host.start_domids_at(int(kept["next_domid"]))
        for row in kept["domains"]:
            _put_back(host, row)


def _put_back(host: Dom0, row: dict[str, Any]) -> None:
    guest = read_config(str(row["config"]), "", "")
    domain = host.build(guest, Life.ALIVE, domid=int(row["domid"]))
    host.watch_over(domain, ("xl", "create", f"/etc/xen/{guest.name}.cfg"))
