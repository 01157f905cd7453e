"""The devices that the bot makes of its configuration: guests, the reference, time services."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app_world import world_of
from bot.config import load
from bot.core.tally import Tally
from bot.devices.session import Call
from bot.devices.sntp import NtpClient
from bot.engine.store import Store
from bot.errors import Unreachable
from tests.devices.ssh_host import USER, ssh_host
from tests.test_config import SMALL, folder, written

__all__ = ["folder"]

SSH = "{{port: {port}, user: {user}, key_file: id, known_hosts: known_hosts}}"


def with_guests(port: int = 22, user: str = "nounou") -> str:
    ssh = SSH.format(port=port, user=user)
    return f"""{SMALL}
clock:
  reference: {{address: 127.0.0.1, port: 1123}}
guests:
  vm: {{address: 127.0.0.1, ssh: {ssh}}}
  redisdead: {{address: 127.0.0.2, ntp: 1124}}
  owl: {{address: 127.0.0.3}}
"""


async def test_a_guest_is_reached_by_what_the_configuration_names(folder: Path) -> None:
    config = load(written(folder, with_guests()))
    async with world_of(config, Store(config.state), Tally()) as world:
        ways = {
            name: (guest.session is not None, guest.ntp is not None)
            for name, guest in world.guests.items()
        }
    assert ways == {"vm": (True, False), "redisdead": (False, True), "owl": (False, False)}
    assert world.guests["owl"].address == "127.0.0.3"


async def test_the_reference_is_asked_only_where_one_is_named(folder: Path) -> None:
    config = load(written(folder, with_guests()))
    async with world_of(config, Store(config.state), Tally()) as world:
        assert isinstance(world.reference, NtpClient)
        assert world.reference.name == "127.0.0.1"
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await world.reference.ask()
    config = load(written(folder))
    async with world_of(config, Store(config.state), Tally()) as world:
        assert world.reference is None


async def test_time_services_are_asked_in_their_order(folder: Path) -> None:
    config = load(written(folder))
    async with world_of(config, Store(config.state), Tally()) as world:
        names = [kind.driver for kind in world.time_services]
    assert names == ["chrony", "ntpd", "timesyncd"]


async def test_a_guest_is_talked_to_over_ssh_until_the_bot_ends(folder: Path) -> None:
    async with ssh_host(folder) as host:
        (folder / "id").chmod(0o600)
        config = load(written(folder, with_guests(host.port, USER)))
        async with world_of(config, Store(config.state), Tally()) as world:
            session = world.guests["vm"].session
            assert session is not None
            for _each in range(2):
                said = await session.run(Call(("say", "hello"), lambda output: output.stdout))
                assert said == "hello"
        assert host.connections == 1
