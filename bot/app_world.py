"""The part of the composition root that knows the wires and the drivers of devices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.config import Array as ArrayConfig
from bot.config import Config
from bot.config import Host as HostConfig
from bot.config_clock import Guest as GuestConfig
from bot.config_console import LightsOut as LightsOutConfig
from bot.core.tally import Tally
from bot.devices.clock import NtpWire
from bot.devices.detached import HostLauncher
from bot.devices.guest import GuestAccess
from bot.devices.host import Host
from bot.devices.links import HostLinks
from bot.devices.ownership import OwnerFile
from bot.devices.power import LightsOut
from bot.devices.session import Session
from bot.devices.sntp import NtpClient
from bot.devices.ssh import SshSession
from bot.devices.ssh_shell import ShellSession
from bot.devices.storage import StorageArray
from bot.devices.telnet import TelnetSession
from bot.devices.time_service import TimeServiceDriver
from bot.devices.xen import Toolstack
from bot.engine.recording import RecordedSession
from bot.engine.store import Store
from bot.engine.world import World
from bot.plugins import drivers_in

#: a session that keeps and counts what goes over a wire to the device of that name
Recorded = Callable[[str, Session], Session]


@asynccontextmanager
async def world_of(config: Config, store: Store, tally: Tally) -> AsyncIterator[World]:
    """Every device of *config*, recorded in *store*, counted in *tally*; closed at the end."""

    def recorded(name: str, wire: Session) -> Session:
        return RecordedSession(wire, name, store, time.time, tally)

    hosts = {name: _host(config, recorded, name, host) for name, host in config.hosts.items()}
    arrays = {name: _array(config, recorded, name, array) for name, array in config.arrays.items()}
    guests = {name: _guest(config, recorded, name, guest) for name, guest in config.guests.items()}
    sessions: list[Session] = [host.toolstack.session for host in hosts.values()]
    sessions += [array.session for array in arrays.values()]
    sessions += [host.lights_out.session for host in hosts.values() if host.lights_out is not None]
    sessions += [guest.session for guest in guests.values() if guest.session is not None]
    try:
        yield World(hosts, arrays, guests, _reference(config), _time_services())
    finally:
        await asyncio.gather(*(session.close() for session in sessions))


def _host(config: Config, recorded: Recorded, name: str, host: HostConfig) -> Host:
    wire = SshSession(
        name=name,
        address=host.address,
        port=host.port,
        user=host.user,
        key_file=host.key_file,
        known_hosts=host.known_hosts,
        connect_timeout=config.timing.connect,
        command_timeout=config.timing.command,
    )
    session = recorded(name, wire)
    toolstack = drivers_in("bot.devices.toolstacks", Toolstack)[host.toolstack]
    return Host(
        name=name,
        address=host.migration_address,
        toolstack=toolstack(name, session, host.console_log),
        links=HostLinks(session, tuple(host.update_script), config.timing.resync),
        launcher=HostLauncher(session, host.jobs_folder),
        ownership=OwnerFile(session, host.owner_file),
        lights_out=_lights_out(config, recorded, f"{name}-ilo", host.lights_out),
        serial=host.lights_out.serial if host.lights_out is not None else "",
    )


def _lights_out(
    config: Config, recorded: Recorded, name: str, at: LightsOutConfig | None
) -> LightsOut | None:
    if at is None:
        return None
    driver = drivers_in("bot.devices.lights_out", LightsOut)[at.driver]
    wire = ShellSession(
        name=name,
        address=at.address,
        port=at.port,
        user=at.user,
        password=at.password.get_secret_value() if at.password is not None else None,
        key_file=at.key_file,
        known_hosts=at.known_hosts,
        prompt=driver.prompt,
        old_algorithms=at.old_algorithms,
        connect_timeout=config.timing.connect,
        command_timeout=config.timing.command,
    )
    return driver(name, recorded(name, wire))


def _array(config: Config, recorded: Recorded, name: str, array: ArrayConfig) -> StorageArray:
    wire = TelnetSession(
        name=name,
        address=array.address,
        port=array.port,
        user=array.user,
        password=array.password.get_secret_value(),
        connect_timeout=config.timing.connect,
        command_timeout=config.timing.command,
    )
    session = recorded(name, wire)
    return drivers_in("bot.devices.arrays", StorageArray)[array.driver](name, session)


def _guest(config: Config, recorded: Recorded, name: str, guest: GuestConfig) -> GuestAccess:
    session = ntp = None
    if guest.ssh is not None:
        wire = SshSession(
            name=name,
            address=guest.address,
            port=guest.ssh.port,
            user=guest.ssh.user,
            key_file=guest.ssh.key_file,
            known_hosts=guest.ssh.known_hosts,
            connect_timeout=config.timing.connect,
            command_timeout=config.timing.command,
        )
        session = recorded(name, wire)
    if guest.ntp is not None:
        ntp = NtpClient(name, guest.address, guest.ntp, timeout=config.timing.connect)
    return GuestAccess(name, guest.address, session, ntp)


def _reference(config: Config) -> NtpWire | None:
    server = config.clock.reference
    if server is None:
        return None
    return NtpClient(server.address, server.address, server.port, timeout=config.timing.connect)


def _time_services() -> list[type[TimeServiceDriver]]:
    found = drivers_in("bot.devices.time_services", TimeServiceDriver)
    return sorted(found.values(), key=lambda kind: kind.order)
