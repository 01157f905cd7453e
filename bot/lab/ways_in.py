"""The ways into the guests of one site: by ssh, and to their clocks by NTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncssh

from bot.lab.account import Account
from bot.lab.guest_door import GuestDoor
from bot.lab.ntp_door import NtpDoor
from bot.lab.world import World


class WaysIn:
    """The doors of those guests that have one; *key* gives the host key of a guest."""

    def __init__(
        self, world: World, account: Account, key: Callable[[str], asyncssh.SSHKey]
    ) -> None:
        self._world = world
        self._shells = {name: GuestDoor(world, name, key(name), account) for name in world.by_ssh}
        self._time_servers = {name: NtpDoor(world, name) for name in world.by_ntp}

    async def open(self) -> None:
        for door in self._shells.values():
            await door.open()
        for server in self._time_servers.values():
            await server.open()

    def ports(self) -> dict[str, int]:
        """Where each guest listens that takes commands by ssh."""
        return {name: door.port for name, door in self._shells.items()}

    def into(self, name: str) -> dict[str, Any]:
        """The ports of the ways into the guest *name*: `ssh`, `ntp`, both, or none."""
        ways: dict[str, Any] = {}
        if name in self._shells:
            ways["ssh"] = self._shells[name].port
        if name in self._time_servers:
            ways["ntp"] = self._time_servers[name].port
        return ways

    async def adapt(self) -> None:
        """Let every door follow its guest, and the faults."""
        for door in self._shells.values():
            await door.adapt()

    async def follow(self, adapt: Callable[[], Awaitable[None]]) -> None:
        """Call *adapt* whenever a guest starts to exist, or ends; for ever."""
        while True:
            known = self._existing()
            await adapt()
            await self._until_other_than(known)

    async def _until_other_than(self, known: set[str]) -> None:
        await self._world.until(lambda: self._existing() != known)

    def _existing(self) -> set[str]:
        return {name for name in self._shells if self._world.exists(name)}

    def close(self) -> None:
        for door in self._shells.values():
            door.close()
        for server in self._time_servers.values():
            server.close()
