"""The lab's `xl` prints what two real hosts printed: their whole session, replayed in its order.

The domain ids must come out as recorded, failed attempts included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.lab import virtual
from bot.lab.faults import Fault
from bot.lab.world import World
from tests.lab.recorded import Recording, recorded_world, recording, shell

#: recordings, the host, and the line where the recorded one is more than `xl` words
_LOOKING = (
    ("10-list", "xl list"),
    ("11-list-l", "xl list -l"),
    ("12-list-l-alpha", "xl list -l alpha"),
    ("13-list-v", "xl list -v"),
    ("14-list-one", "xl list alpha"),
    ("15-list-Z", "xl list -Z"),
    ("16-list-n", "xl list -n"),
    ("17-list-c", "xl list -c"),
    ("20-uptime", "xl uptime"),
    ("21-uptime-s", "xl uptime -s"),
    ("22-uptime-one", "xl uptime alpha"),
    ("23-domid", "xl domid alpha"),
    ("24-domname", "xl domname 1"),
    ("25-network-list", "xl network-list beta"),
    ("28-vm-list", "xl vm-list"),
    ("40-list-unknown", "xl list nosuch"),
    ("43-shutdown-unknown", "xl shutdown nosuch"),
    ("44-destroy-unknown", "xl destroy nosuch"),
    ("45-destroy-dom0", "xl destroy Domain-0"),
    ("46-destroy-0", "xl destroy 0"),
    ("54-unknown-command", "xl frobnicate"),
    ("55-no-args", "xl"),
    ("56-list-bad-option", "xl list --frob"),
    ("58-uptime-unknown", "xl uptime nosuch"),
    ("59-domid-unknown", "xl domid nosuch"),
    ("60-pause", "xl pause alpha; xl list alpha; xl unpause alpha; xl list alpha"),
    ("70-migrate-unknown-domain", "xl migrate nosuch fz"),
    ("71-migrate-unknown-host", "xl migrate beta nohost"),
)


async def _booted() -> World:
    """The recorded hosts with the three guests started (04, 06, 07)."""
    world = recorded_world()
    for name in ("alpha", "beta", "gamma"):
        await shell(world, "fy", f"xl create -q /etc/xen/{name}.cfg")
    return world


@pytest.mark.parametrize(("name", "line"), _LOOKING)
def test_a_command_prints_what_was_recorded(name: str, line: str) -> None:
    async def look() -> Recording:
        world = await _booted()
        try:
            return await shell(world, "fy", line)
        finally:
            await world.close()

    assert virtual.run(look()) == recording(name)


def test_xl_without_root_is_told_so() -> None:
    async def look() -> Recording:
        return await shell(recorded_world(), "fy", "xl list", root=False)

    assert virtual.run(look()) == recording("57-not-root")


def test_block_list_shows_what_was_recorded() -> None:
    """All but the event channel, which Xen counts on over the host."""

    async def look() -> Recording:
        return await shell(await _booted(), "fy", "xl block-list beta")

    seen, real = virtual.run(look()), recording("26-block-list")
    columns = [line[:21] + line[38:] for line in seen.stdout.splitlines()]
    assert columns == [line[:21] + line[38:] for line in real.stdout.splitlines()]


@pytest.mark.parametrize(
    ("name", "host", "shadow"),
    [("02-info", "fy", True), ("02-info-fz", "fz", True), ("stock-info", "fy", False)],
)
def test_info_is_that_of_the_recorded_hosts(name: str, host: str, shadow: bool) -> None:
    async def look() -> Recording:
        return await shell(recorded_world(shadow=shadow), host, "xl info")

    seen, real = virtual.run(look()).stdout.splitlines(), recording(name).stdout.splitlines()
    # stock-info was taken beside guests that are not known
    free = {line for line in (*seen, *real) if line.startswith("free_memory") and not shadow}
    assert [line for line in seen if line not in free] == [x for x in real if x not in free]


def _other_files(world: World) -> None:
    """The configuration files that the recordings' `sed` and `printf` wrote."""
    files = world.hosts["fy"].files
    alpha = files["/etc/xen/alpha.cfg"]
    no_disk = "\n".join(line for line in alpha.splitlines() if not line.startswith("disk"))
    files["/etc/xen/bad.cfg"] = 'name = "x\n memory=\n'
    files["/etc/xen/bigone.cfg"] = no_disk.replace("alpha", "bigone").replace("128", "3000")
    files["/etc/xen/delta.cfg"] = alpha.replace("alpha", "delta")
    files["/etc/xen/alpha2.cfg"] = alpha.replace('"alpha"', '"alpha2"')
    files["/etc/xen/eps.cfg"] = no_disk.replace("alpha", "eps").replace("vmlinux", "nokernel")
    there = world.hosts["fz"].files
    there["/etc/xen/ballast.cfg"] = no_disk.replace("alpha", "ballast").replace("128", "560")
    there["/etc/xen/alpha-other.cfg"] = no_disk


def _burn_domid(world: World) -> None:
    """One attempt between 78 and 81x was not recorded."""
    world.hosts["fz"].take_domid()


_CREATION: tuple[tuple[str, str], ...] = (
    ("47-create-duplicate", "xl create /etc/xen/alpha.cfg"),
    ("48-create-no-such-cfg", "xl create /etc/xen/nosuch.cfg"),
    ("49-create-no-memory", "xl create /etc/xen/bigone.cfg"),
    ("50-create-syntax-error", "xl create /etc/xen/bad.cfg"),
    ("51-create-no-disk", "xl create /etc/xen/delta.cfg"),
    ("51b-list-after", "xl list"),
    (
        "52-create-disk-in-use",
        "xl create /etc/xen/alpha2.cfg; r=$?; xl list; xl destroy alpha2; exit $r",
    ),
    ("53-create-no-kernel", "xl create /etc/xen/eps.cfg"),
)

_MIGRATION: tuple[tuple[str, str, str, Callable[[World], None] | None], ...] = (
    (
        "77-ballast",
        "fz",
        "xl create /etc/xen/ballast.cfg; xl list; xl info free_memory",
        None,
    ),
    (
        "78-migrate-no-memory",
        "fy",
        "xl migrate gamma fz; r=$?; xl list; ssh fz xl list; exit $r",
        None,
    ),
    ("79-ballast-gone", "fz", "xl destroy ballast; xl list", _burn_domid),
    (
        "81x-migrate-beta-ok",
        "fy",
        "xl migrate beta fz; r=$?; xl list; ssh fz xl list; exit $r",
        None,
    ),
    ("80-same-name-there", "fz", "xl create /etc/xen/alpha-other.cfg; xl list", None),
    (
        "81-migrate-name-taken",
        "fy",
        "xl migrate alpha fz; r=$?; xl list; ssh fz xl list; exit $r",
        None,
    ),
    ("82-other-gone", "fz", "xl destroy alpha; xl list", None),
    ("83-migrate-dom0", "fy", "xl migrate Domain-0 fz", None),
    ("84-migrate-to-self", "fy", "xl migrate alpha fy; r=$?; xl list; exit $r", None),
    ("90-migrate-alpha", "fy", "xl migrate alpha fz", None),
    ("90b-list-after", "fy", "xl list; ssh fz xl list", None),
    (
        "93-create-on-fy-while-running-on-fz",
        "fy",
        "xl create /etc/xen/alpha.cfg; r=$?; xl list; ssh fz xl list; xl destroy alpha; exit $r",
        None,
    ),
)


def test_the_whole_session_replays_with_its_domain_ids() -> None:
    async def replay() -> None:
        world = await _booted()
        _other_files(world)
        for name, line in _CREATION:
            assert await shell(world, "fy", line) == recording(name), name
        for name, host, line, afterwards in _MIGRATION:
            seen = await shell(world, host, line)
            _assert_same(seen, recording(name), name)
            if afterwards:
                afterwards(world)
        await _cut(world)
        await world.close()

    virtual.run(replay())


def _assert_same(seen: Recording, real: Recording, name: str) -> None:
    """Equal, but for the order in which two processes wrote to one stream, and 77's last grep."""
    assert seen.exit == real.exit, name
    assert sorted(seen.stderr.splitlines()) == sorted(real.stderr.splitlines()), name
    shown = real.stdout.splitlines()
    assert seen.stdout.splitlines() == (shown[:-1] if name.startswith("77") else shown), name


async def _cut(world: World) -> None:
    """94: the transport is killed while the copy has a quarter of its memory."""
    real = recording("94-migrate-cut")
    migration = asyncio.create_task(shell(world, "fz", "xl migrate beta fy"))
    fy, fz = world.hosts["fy"], world.hosts["fz"]
    while not any(domain.memory == 32 for domain in fy.domains.values()):
        await virtual.let_pass(1.0)
    during = [await shell(world, host, "xl list") for host in ("fz", "fy")]
    ssh = next(p for p in fz.processes.all() if p.args == "ssh fy xl migrate-receive")
    fz.processes.kill(ssh.pid)
    seen = await migration
    after = [await shell(world, host, "xl list") for host in ("fz", "fy")]
    lists = "".join(found.stdout for found in during) + "rc=1\n"
    assert lists + "".join(found.stdout for found in after) == real.stdout
    assert seen.stderr == real.stderr
    assert seen.exit == 1


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("72-migrate-no-route", "xl migrate beta 10.77.0.99"),
        ("74-migrate-no-permission", "xl migrate beta fz"),
        ("75-migrate-unknown-host-key", "xl migrate beta fz"),
    ],
)
def test_ssh_that_cannot_get_there_says_what_was_recorded(name: str, line: str) -> None:
    faults = {"74": "no-permission", "75": "unknown-host-key"}

    async def look() -> Recording:
        world = await _booted()
        if name[:2] in faults:
            world.fault(Fault(faults[name[:2]], "fz"))
        return await shell(world, "fy", line)

    assert virtual.run(look()) == recording(name)


def test_a_closed_port_is_refused_as_recorded() -> None:
    async def look() -> Recording:
        world = await _booted()
        world.fault(Fault("refuse", "fz"))
        return await shell(world, "fy", "xl migrate beta fz")

    seen, real = virtual.run(look()), recording("73-migrate-connection-refused")
    assert seen == Recording(1, "", real.stderr.replace("port 2222", "port 22"))


def test_a_pv_guest_cannot_move_on_debians_own_xen() -> None:
    async def look() -> Recording:
        world = recorded_world(shadow=False)
        await shell(world, "fy", "xl create -q /etc/xen/alpha.cfg")
        line = "xl migrate alpha fz; r=$?; xl list; ssh fz xl list; exit $r"
        return await shell(world, "fy", line)

    assert virtual.run(look()) == recording("stock-pv-migrate-2")


def test_a_pvh_guest_moves_on_debians_own_xen() -> None:
    async def look() -> Recording:
        world = recorded_world(shadow=False, kind="pvh")
        await shell(world, "fy", "xl create -q /etc/xen/beta.cfg")
        line = "xl list; xl migrate beta fz; echo rc=$?; xl list; ssh fz xl list"
        return await shell(world, "fy", line)

    assert virtual.run(look()) == recording("pvh-migrate-1")


def test_a_guest_that_shuts_down_is_seen_closing_and_then_gone() -> None:
    """97, 96 and 98: shutdown that waits, shutdown that does not, destroy."""

    async def look() -> tuple[Recording, Recording, str]:
        world = await _booted()
        for name in ("alpha", "beta"):
            await shell(world, "fy", f"xl destroy {name}")
        waited = await shell(world, "fy", "xl shutdown -w gamma; r=$?; xl list; exit $r")
        await world.until(lambda: not world.hosts["fy"].domains)
        gone = await shell(world, "fy", "xl list")
        return waited, gone, waited.stderr

    waited, gone, _said = virtual.run(look())
    assert waited == recording("97-shutdown-w")
    assert gone.stdout == recording("98-destroy").stdout
