"""The ssh of one Dom0 to another, on which a migration travels."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from bot.lab import faults
from bot.lab.command import Command
from bot.lab.dom0 import Dom0


class NoWay(Exception):
    """ssh could not get there; the text is what it says, with its carriage returns (71 to 75)."""


@dataclass(frozen=True)
class Route:
    """What `-s` and the host's name come to."""

    words: tuple[str, ...]
    host: str

    @property
    def port(self) -> str:
        return self.words[self.words.index("-p") + 1] if "-p" in self.words[:-1] else "22"

    def option(self, text: str) -> bool:
        return text in self.words

    @property
    def rune(self) -> tuple[str, ...]:
        """The transport's own command line."""
        return (*self.words, self.host, "xl", "migrate-receive")


def route(sshcmd: str, host: str) -> Route:
    return Route(tuple(sshcmd.split()) if sshcmd else ("ssh",), host)


async def reach(command: Command, way: Route) -> Dom0:
    """The host at the other end; raises `NoWay` with ssh's own words (71 to 75)."""
    world = command.world
    target = world.hosts.get(way.host)
    if target is None:
        raise NoWay(_nowhere(way))
    down = not target.alive or world.faults.standing(faults.REFUSE, target.name)
    if way.port != "22" or down:
        raise NoWay(f"ssh: connect to host {way.host} port {way.port}: Connection refused\r\n")
    if world.faults.take(faults.HANG, target.name, "xl migrate-receive"):
        await world.faults.cleared()
    forgetful = way.option("UserKnownHostsFile=/dev/null")
    strict = way.option("StrictHostKeyChecking=yes")
    if (forgetful and strict) or world.faults.take(faults.UNKNOWN_KEY, target.name):
        raise NoWay(
            f"No ED25519 host key is known for {way.host} "
            "and you have requested strict checking.\r\n"
            "Host key verification failed.\r\n"
        )
    barred = way.option("PubkeyAuthentication=no")
    if barred or world.faults.take(faults.NO_PERMISSION, target.name):
        raise NoWay(f"root@{way.host}: Permission denied (publickey,password).\r\n")
    return target


def _nowhere(way: Route) -> str:
    try:
        ipaddress.ip_address(way.host)
    except ValueError:
        return f"ssh: Could not resolve hostname {way.host}: Name or service not known\r\n"
    return f"ssh: connect to host {way.host} port {way.port}: No route to host\r\n"
