"""The site process: one world behind real servers, described by site.json."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import asyncssh

from bot.lab import durable
from bot.lab.account import Account
from bot.lab.array.telnet import ArrayDoor
from bot.lab.backdoor import Backdoor
from bot.lab.blueprint import lab_world
from bot.lab.control import Control
from bot.lab.dom0 import Dom0
from bot.lab.faults import Fault
from bot.lab.guests import read_config
from bot.lab.ilo import door as ilo_door
from bot.lab.machine import belonging, power_off
from bot.lab.place import USER, Place
from bot.lab.ports import GuestPort
from bot.lab.power import Turn
from bot.lab.sshd import Dom0Door
from bot.lab.ways_in import WaysIn
from bot.lab.world import Pace, World

#: above any pid that the machine gives (pid_max is at most 2**22), so that the two never meet
FIRST_PID = 5_000_000


def _new_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519", "lab")


class Site:
    """Every server of the lab, on one world."""

    def __init__(self, place: Place, pace: Pace, world: World | None = None) -> None:
        self.place = place
        self.world = world or lab_world(pace=pace, epoch=time.time(), first_pid=FIRST_PID)
        self.world.clock.follow(time.time)
        self._control = Control(self.world, self.adapt)
        self._backdoors: list[Backdoor] = []
        self._dom0s: list[Dom0Door] = []
        self._arrays: list[ArrayDoor] = []
        self._ilos: list[ilo_door.IloDoor] = []
        self._adapting = asyncio.Lock()
        self._open = True
        self._guests: dict[str, GuestPort] = {}
        account = Account(USER, key=self._key("id").convert_to_public())
        self._ways_in = WaysIn(self.world, account, lambda name: self._key(f"host_key_{name}"))

    async def open(self, faults: Iterable[Fault] = ()) -> None:
        """Start every server, set *faults*, then say in site.json where everything is."""
        self._load()
        user_key = self._key("id")
        for host in self.world.hosts.values():
            self.place.furnish(host.name)
            host.real_processes = partial(belonging, self.place, host.name)
            backdoor = Backdoor(self.world, host, self.place)
            door = Dom0Door(
                self.world, host, self.place, self._key(f"host_key_{host.name}"), user_key
            )
            await backdoor.open()
            await door.open()
            self._backdoors.append(backdoor)
            self._dom0s.append(door)
            self.world.power[host.name].listeners.append(partial(self._turned, host))
        await self._open_ilos()
        for array in self.world.arrays.values():
            await self._open_array(array.name)
        await self._open_guests()
        await self._ways_in.open()
        self.world.chores.start(self._ways_in.follow(self.adapt))
        await self._control.open(self.place.control)
        self._write_known_hosts()
        for fault in faults:
            await self.fault(fault)
        self.place.write("site.json", json.dumps(self.description(), indent=1))

    async def _open_array(self, name: str) -> None:
        account = Account("manage", self.password(name))
        door = ArrayDoor(self.world, self.world.arrays[name], account)
        await door.open()
        self._arrays.append(door)

    async def _open_ilos(self) -> None:
        for ilo in self.world.ilos.values():
            key = self._key(f"host_key_{ilo.name}", partial(ilo_door.host_key, ilo))
            account = Account(USER, self.password(ilo.name))
            door = ilo_door.IloDoor(ilo, key, account)
            await door.open()
            self._ilos.append(door)

    def password(self, name: str) -> str:
        """The password of the account on the device *name*, made the first time."""
        path = self.place.state / f"{name}.password"
        if not path.exists():
            self.place.write(path.name, secrets.token_urlsafe(12) + "\n")
        return path.read_text().strip()

    async def _open_guests(self) -> None:
        host = next(iter(self.world.hosts.values()))
        for path, text in host.files.items():
            if path.startswith("/etc/xen/"):
                guest = read_config(text, path, "")
                self._guests[guest.name] = GuestPort(self.world, guest)
        for port in self._guests.values():
            await port.open()

    def _key(self, name: str, make: Callable[[], asyncssh.SSHKey] = _new_key) -> asyncssh.SSHKey:
        """The key kept under *name*, made the first time."""
        path = self.place.state / name
        if not path.exists():
            key = make()
            self.place.write(name, key.export_private_key().decode())
        return asyncssh.read_private_key(str(path))

    def _write_known_hosts(self) -> None:
        lines = []
        ports = {door.dom0.name: door.port for door in self._dom0s}
        ports |= {door.ilo.name: door.port for door in self._ilos}
        ports |= self._ways_in.ports()
        for name, port in ports.items():
            public = self._key(f"host_key_{name}").export_public_key().decode()
            kind, key = public.split()[:2]
            lines.append(f"[127.0.0.1]:{port} {kind} {key}\n")
        self.place.write("known_hosts", "".join(lines))

    def description(self) -> dict[str, Any]:
        """What site.json says: where everything listens, and how to get in."""
        state = self.place.state
        return {
            "hosts": {
                door.dom0.name: {"address": "127.0.0.1", **self._by_key(door.port)}
                for door in self._dom0s
            },
            "arrays": {
                door.name: {
                    "address": "127.0.0.1",
                    "port": door.port,
                    "user": "manage",
                    "password_file": str(state / f"{door.name}.password"),
                }
                for door in self._arrays
            },
            "lights_out": {
                door.ilo.host.name: {
                    "address": "127.0.0.1",
                    "port": door.port,
                    "user": door.account.user,
                    "password_file": str(state / f"{door.ilo.name}.password"),
                    "known_hosts": str(state / "known_hosts"),
                    "serial": door.ilo.serial_number,
                    "old_algorithms": door.ilo.generation.old_algorithms,
                }
                for door in self._ilos
            },
            "guests": {name: self._guest(name) for name in self._guests},
            "control": str(self.place.control),
            "pid": os.getpid(),
        }

    def _by_key(self, port: int) -> dict[str, Any]:
        """How to get in by ssh with the key, at *port*."""
        return {
            "port": port,
            "user": USER,
            "key_file": str(self.place.state / "id"),
            "known_hosts": str(self.place.state / "known_hosts"),
        }

    def _guest(self, name: str) -> dict[str, Any]:
        """Where the guest *name* sends its heartbeat (`port`), and the ways into it."""
        ways = self._ways_in.into(name)
        if "ssh" in ways:
            ways["ssh"] = self._by_key(ways["ssh"])
        return {"address": "127.0.0.1", "port": self._guests[name].port, **ways}

    async def fault(self, fault: Fault) -> None:
        """Set *fault* and let every door follow."""
        self.world.fault(fault)
        await self.adapt()

    def _turned(self, host: Dom0, _turn: Turn) -> None:
        # before anything else runs: a dead host's shell must not see its command end
        if not host.alive:
            power_off(self.place, host.name)
        self.world.chores.start(self.adapt())

    async def adapt(self) -> None:
        """Let every door follow the faults, and the power of each host."""
        async with self._adapting:
            if self._open:
                await self._adapt()

    async def _adapt(self) -> None:
        for host in self.world.hosts.values():
            if not host.alive:
                power_off(self.place, host.name)
        for dom0 in self._dom0s:
            await dom0.adapt()
        for ilo in self._ilos:
            await ilo.adapt()
        for array in self._arrays:
            await array.adapt()
        await self._ways_in.adapt()

    async def close(self) -> None:
        """Stop everything, keep what outlives a stop."""
        kept = json.dumps(durable.remember(self.world), indent=1)
        await self._control.close()
        async with self._adapting:
            self._open = False
        for dom0 in self._dom0s:
            dom0.close()
            power_off(self.place, dom0.dom0.name)
        for ilo in self._ilos:
            ilo.close()
        for array in self._arrays:
            array.close()
        self._ways_in.close()
        for backdoor in self._backdoors:
            await backdoor.close()
        for port in self._guests.values():
            await port.close()
        await self.world.close()
        self.place.write("world.json", kept)
        self.place.clear()

    def _load(self) -> None:
        path = self.place.state / "world.json"
        if path.exists():
            durable.restore(self.world, json.loads(path.read_text()))
