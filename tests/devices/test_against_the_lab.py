"""The drivers against the lab: the same truths through real servers and through memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.units import Size
from bot.devices.arrays.msa import MsaArray
from bot.devices.detached import HostLauncher
from bot.devices.host import Detached, Phase
from bot.devices.links import HostLinks
from bot.devices.ownership import OwnerFile
from bot.devices.toolstacks.xl import XlToolstack
from bot.devices.xen import Kind, MigrationOutcome
from bot.errors import BotError, OutcomeUnknown, Unreachable
from bot.lab.faults import Fault
from tests.lab.faces import Face, memory, servers

UPDATE = ("sudo", "/usr/scripts/gestion/iscsi/update.sh")
PLACE = "job-1-1"
#: a change of the world is waited for at most so long, on a loaded machine
PATIENCE = 40


@dataclass
class Site:
    """The drivers of a fresh lab."""

    face: Face

    def xl(self, host: str) -> XlToolstack:
        return XlToolstack(host, self.face.sessions[host])

    def links(self, host: str) -> HostLinks:
        return HostLinks(self.face.sessions[host], UPDATE, 30.0)

    def launcher(self, host: str) -> HostLauncher:
        return HostLauncher(self.face.sessions[host], ".nounou/jobs")

    @property
    def array(self) -> MsaArray:
        return MsaArray("nols", self.face.sessions["nols"])

    async def start(self, guest: str, source: str, target: str) -> None:
        words = self.xl(source).migrate_words(guest, target)
        await self.launcher(source).start(PLACE, words)

    async def ended(self, source: str) -> Detached:
        return await self.face.ended(self.launcher(source), PLACE)

    async def outcome(self, source: str) -> MigrationOutcome:
        """What the migration said once it has ended."""
        seen = await self.ended(source)
        assert seen.phase is Phase.ENDED
        assert seen.exit is not None
        return self.xl(source).read_migration(seen.exit, seen.stdout, seen.stderr)

    async def copying(self) -> None:
        """Wait until a migration is under way."""
        world = self.face.world
        async with asyncio.timeout(PATIENCE):
            await world.until(lambda: any(transfer.copying for transfer in world.transfers))

    async def where(self, guest: str) -> dict[str, str]:
        """The names under which *guest* exists, by host."""
        return {
            host: domain.name
            for host in ("fy", "fz")
            for domain in await self.xl(host).domains()
            if domain.plain_name == guest
        }


@pytest.fixture(params=[memory, servers], ids=["memory", "servers"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    async with request.param(tmp_path) as face:
        yield Site(face)


async def test_the_array_says_what_it_is_and_what_it_holds(site: Site) -> None:
    info = await site.array.info()
    volumes = {volume.name: volume for volume in await site.array.volumes()}

    assert "P2000" in info.product
    assert info.firmware.startswith("T")
    assert {"vm-root", "vm-swap", "zamok-root", "daath-home", "daath-scripts"} <= set(volumes)
    assert volumes["vm-root"].size == Size.parse("20GiB")
    assert len({volume.wwn for volume in volumes.values()}) == len(volumes)


async def test_the_hosts_say_what_they_are(site: Site) -> None:
    fy, fz = await site.xl("fy").info(), await site.xl("fz").info()

    assert (fy.name, fz.name) == ("fy", "fz")
    assert fz.free_memory < Size.mib(4096) < fy.total_memory
    assert not fy.moves_pv_live


async def test_the_list_and_the_configurations_name_the_same_domains(site: Site) -> None:
    domains = await site.xl("fy").domains()
    configs = {config.name: config for config in await site.xl("fy").configs()}

    assert {domain.name for domain in domains} == {"vm", "zamok", "owl"} == set(configs)
    assert {(d.uuid, d.domid, d.memory) for d in domains} == {
        (config.uuid, config.domid, config.memory) for config in configs.values()
    }
    assert all(domain.kind is Kind.ALIVE for domain in domains)
    assert {name: config.type for name, config in configs.items()} == {
        "vm": "pvh",
        "zamok": "pv",
        "owl": "pvh",
    }
    assert [disk.path for disk in configs["vm"].disks] == ["/dev/vm-root", "/dev/vm-swap"]


async def test_a_stopped_guest_is_defined_and_does_not_exist(site: Site) -> None:
    for host in ("fy", "fz"):
        assert "sleeper" in await site.xl(host).defined()
    assert await site.where("sleeper") == {}


async def test_the_monitors_of_running_guests_are_no_transfers(site: Site) -> None:
    for host in ("fy", "fz"):
        assert await site.xl(host).transfers() == ()


async def test_a_link_leads_to_the_volume_of_its_name_on_both_hosts(site: Site) -> None:
    wwn = {volume.name: volume.wwn for volume in await site.array.volumes()}

    for host in ("fy", "fz"):
        for name in ("vm-root", "vm-swap"):
            link = await site.links(host).look(f"/dev/{name}")
            assert link.wwn == wwn[name]
            assert link.device.startswith("/dev/sd")
        assert (await site.links(host).look("/dev/daath-home")).device == ""


async def test_a_missing_or_wrong_link_is_seen_and_mended_by_a_resync(site: Site) -> None:
    right = await site.links("fz").look("/dev/vm-root")
    for fault in ("missing-link", "stale-link"):
        await site.face.strike(Fault(fault, "fz", "vm-root"))
        assert (await site.links("fz").look("/dev/vm-root")).wwn != right.wwn

        await site.links("fz").resync()

        assert await site.links("fz").look("/dev/vm-root") == right


async def test_a_migration_is_seen_from_both_ends_and_leaves_one_copy(site: Site) -> None:
    (before,) = [domain for domain in await site.xl("fy").domains() if domain.name == "vm"]
    await site.start("vm", "fy", "fz")
    await site.copying()

    sending, receiving = await site.xl("fy").transfers(), await site.xl("fz").transfers()
    outcome = await site.outcome("fy")
    (after,) = [domain for domain in await site.xl("fz").domains() if domain.plain_name == "vm"]

    assert "vm" in {transfer.guest for transfer in sending}
    assert {transfer.guest for transfer in receiving} == {""}
    assert outcome.succeeded
    assert await site.where("vm") == {"fz": "vm"}
    assert (after.uuid, after.memory) == (before.uuid, before.memory)
    for host in ("fy", "fz"):
        assert await site.xl(host).transfers() == ()
    assert site.face.world.watch.seen == []


async def test_a_half_moved_guest_grows_on_the_target_while_it_is_copied(site: Site) -> None:
    await site.start("vm", "fy", "fz")
    seen = []
    async with asyncio.timeout(PATIENCE):
        while (await site.launcher("fy").look(PLACE)).phase is Phase.RUNNING:
            seen += [d for d in await site.xl("fz").domains() if d.name == "vm--incoming"]

    sizes = [domain.memory for domain in seen]
    assert sizes
    assert sizes == sorted(sizes)
    assert {domain.kind for domain in seen} <= {Kind.PAUSED}
    assert all(domain.half_moved for domain in seen)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("out-of-memory", "ran out of memory"),
        ("name-taken", "already has a domain named vm"),
        ("cut", "link between the hosts was cut"),
        ("unknown-host-key", "does not know the target's ssh host key"),
        ("no-permission", "does not let the source's root log in"),
    ],
)
async def test_a_failed_migration_says_why_and_the_guest_stays(
    site: Site, fault: str, reason: str
) -> None:
    await site.face.strike(Fault(fault))
    await site.start("vm", "fy", "fz")

    outcome = await site.outcome("fy")

    assert not outcome.succeeded
    assert not outcome.undefined
    assert reason in outcome.reason
    assert (await site.where("vm"))["fy"] == "vm"
    assert site.face.world.watch.seen == []


@pytest.mark.parametrize("fault", ["handover-failure", "handover-lost"])
async def test_a_handover_that_goes_wrong_is_never_called_a_success(site: Site, fault: str) -> None:
    await site.face.strike(Fault(fault))
    await site.start("vm", "fy", "fz")

    assert not (await site.outcome("fy")).succeeded


async def test_a_pv_guest_cannot_be_moved_without_shadow_paging(site: Site) -> None:
    await site.start("zamok", "fy", "fz")

    outcome = await site.outcome("fy")

    assert "no shadow paging" in outcome.reason
    assert await site.where("zamok") == {"fy": "zamok"}


async def test_a_guest_without_room_on_the_target_stays(site: Site) -> None:
    await site.start("owl", "fy", "fz")

    assert "ran out of memory" in (await site.outcome("fy")).reason
    assert await site.where("owl") == {"fy": "owl"}


async def test_a_start_whose_link_was_lost_is_found_again_and_not_repeated(site: Site) -> None:
    await site.face.strike(Fault("drop-after-send", "fy", "nounou-detach", times=1))

    with pytest.raises(OutcomeUnknown):
        await site.start("vm", "fy", "fz")

    assert (await site.launcher("fy").bar(PLACE)).phase in (Phase.RUNNING, Phase.ENDED)
    assert (await site.outcome("fy")).succeeded
    assert await site.where("vm") == {"fz": "vm"}


READS: dict[str, Callable[[Site], Awaitable[object]]] = {
    "product": lambda site: site.array.info(),
    "volumes": lambda site: site.array.volumes(),
    "info": lambda site: site.xl("fy").info(),
    "domains": lambda site: site.xl("fy").domains(),
    "configs": lambda site: site.xl("fy").configs(),
    "defined": lambda site: site.xl("fy").defined(),
    "transfers": lambda site: site.xl("fy").transfers(),
    "link": lambda site: site.links("fy").look("/dev/vm-root"),
    "detached": lambda site: site.launcher("fy").look(PLACE),
    "owner": lambda site: OwnerFile(site.face.sessions["fy"], ".nounou/owner").claim("mine"),
}


@pytest.mark.parametrize("read", READS)
async def test_garbage_is_an_error_in_every_read(site: Site, read: str) -> None:
    await READS[read](site)
    await site.face.strike(Fault("garble"))

    with pytest.raises(BotError):
        await READS[read](site)


async def test_a_dead_host_is_unreachable_and_the_other_is_not(site: Site) -> None:
    await site.xl("fz").domains()
    await site.face.strike(Fault("kill-host", "fz"))

    with pytest.raises(Unreachable):
        await site.xl("fz").domains()
    assert len(await site.xl("fy").domains()) == 3

    await site.face.strike(Fault("revive", "fz"))
    assert await site.xl("fz").domains() == ()


async def test_a_boot_has_an_id_of_its_own(site: Site) -> None:
    first = await site.xl("fz").boot()
    assert await site.xl("fz").boot() == first
    assert await site.xl("fy").boot() != first

    await site.face.strike(Fault("kill-host", "fz"))
    await site.face.strike(Fault("revive", "fz"))

    assert await site.xl("fz").boot() != first
