"""One contract, two faces: the four scripts, the links and the faults behave alike on both."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from uuid import UUID

import pytest

from bot.devices.host import Phase
from bot.devices.ownership import OwnerFile
from bot.errors import BotError, DeviceError, OutcomeUnknown, Refused, Unreachable
from bot.lab.domains import Life
from bot.lab.faults import Fault
from tests.lab.faces import Face

MIGRATE = ("sudo", "xl", "migrate", "vm", "fz")


def where(face: Face, guest: str) -> list[str]:
    """The hosts on which *guest* lives."""
    return [
        host.name
        for host in face.world.hosts.values()
        for domain in host.domains.values()
        if domain.name == guest and domain.life is Life.ALIVE
    ]


async def test_what_was_never_started_is_absent(face: Face) -> None:
    assert (await face.launcher().look("job-1")).phase is Phase.ABSENT


async def test_a_detached_migration_runs_and_ends_with_its_exit_code(face: Face) -> None:
    launcher = face.launcher()

    await launcher.start("job-1", MIGRATE)

    assert (await launcher.look("job-1")).phase is Phase.RUNNING
    seen = await face.ended(launcher, "job-1")
    assert (seen.phase, seen.exit, seen.stdout) == (Phase.ENDED, 0, "")
    assert seen.stderr.splitlines()[-1] == "Migration successful."
    assert where(face, "vm") == ["fz"]
    assert face.world.watch.seen == []


async def test_it_starts_once(face: Face) -> None:
    launcher = face.launcher()
    await launcher.start("job-1", ("sudo", "xl", "pause", "vm"))
    assert (await face.ended(launcher, "job-1")).exit == 0

    with pytest.raises(Refused):
        await launcher.start("job-1", ("sudo", "xl", "unpause", "vm"))

    assert where(face, "vm") == []


async def test_a_barred_place_never_starts(face: Face) -> None:
    launcher = face.launcher()

    assert (await launcher.bar("job-1")).phase is Phase.BARRED

    with pytest.raises(Refused):
        await launcher.start("job-1", ("sudo", "xl", "pause", "vm"))
    assert (await launcher.look("job-1")).phase is Phase.BARRED
    assert where(face, "vm") == ["fy"]


async def test_barring_what_was_started_changes_nothing(face: Face) -> None:
    launcher = face.launcher()
    await launcher.start("job-1", ("sudo", "xl", "domid", "vm"))
    await face.ended(launcher, "job-1")

    seen = await launcher.bar("job-1")

    assert (seen.phase, seen.exit, seen.stdout) == (Phase.ENDED, 0, "1\n")


async def test_no_word_is_read_as_shell(face: Face) -> None:
    nasty = "a;b $(id) 'q' \"d\" `x` *\nnext"
    launcher = face.launcher()

    await launcher.start("job-1", ("sudo", "xl", "list", nasty))

    seen = await face.ended(launcher, "job-1")
    assert seen.exit == 1
    assert seen.stderr == f"{nasty} is an invalid domain identifier (rc=-6)\n"


async def test_a_place_that_cannot_be_made_is_an_error(face: Face) -> None:
    await OwnerFile(face.sessions["fy"], ".nounou/jobs").claim("me")

    with pytest.raises(DeviceError):
        await face.launcher().start("job-1", MIGRATE)

    assert where(face, "vm") == ["fy"]


async def test_the_first_owner_stays(face: Face) -> None:
    owner = OwnerFile(face.sessions["fz"], ".nounou/owner")

    assert await owner.claim("mine") == "mine"
    assert await owner.claim("yours") == "mine"


async def test_killing_the_command_ends_it_and_the_guest_goes_on(face: Face) -> None:
    launcher = face.launcher()
    await launcher.start("job-1", MIGRATE)
    host = face.world.hosts["fy"]
    await face.world.until(lambda: bool(face.world.transfers))
    sudo = next(entry for entry in host.processes.all() if entry.args == " ".join(MIGRATE))

    host.processes.kill(sudo.pid)

    seen = await face.ended(launcher, "job-1")
    assert (seen.phase, seen.exit) == (Phase.ENDED, 137)
    assert where(face, "vm") == ["fy"]


async def test_a_host_that_lost_its_power_leaves_a_vanished_command(face: Face) -> None:
    launcher = face.launcher()
    await launcher.start("job-1", MIGRATE)
    await face.world.until(lambda: bool(face.world.transfers))

    await face.strike(Fault("kill-host", "fy"))

    with pytest.raises(Unreachable):
        await launcher.look("job-1")
    await face.strike(Fault("revive", "fy"))
    assert (await launcher.look("job-1")).phase is Phase.VANISHED
    assert (await face.ask("fy", "sudo", "xl", "list", "vm")).exit == 1


async def test_ps_shows_the_migration_and_the_shell_that_waits_for_it(face: Face) -> None:
    launcher = face.launcher()
    await launcher.start("job-1", MIGRATE)
    await face.world.until(lambda: bool(face.world.transfers))

    shown = (await face.ask("fy", "ps", "-ww", "-eo", "pid=,ppid=,args=")).stdout

    rows = [line.split(maxsplit=2) for line in shown.splitlines()]
    by_args = {args: (pid, ppid) for pid, ppid, args in rows}
    sudo = by_args[" ".join(MIGRATE)]
    assert by_args["xl migrate vm fz"][1] == sudo[0]
    assert by_args["ssh fz xl migrate-receive"][1] == by_args["xl migrate vm fz"][0]
    waiting = [pid for pid, _ppid, args in rows if args.endswith(f"/job-1 {' '.join(MIGRATE)}")]
    assert sudo[1] in waiting
    await face.ended(launcher, "job-1")


async def test_a_link_cut_after_the_request_leaves_it_carried_out(face: Face) -> None:
    await face.strike(Fault("drop-after-send", "fy", "nounou-detach", times=1))

    with pytest.raises(OutcomeUnknown):
        await face.launcher().start("job-1", ("sudo", "xl", "domid", "vm"))

    seen = await face.ended(face.launcher(), "job-1")
    assert (seen.phase, seen.stdout) == (Phase.ENDED, "1\n")


@pytest.mark.parametrize("device", ["fy", "nols"])
@pytest.mark.parametrize("changes", [False, True])
async def test_a_device_that_hangs_is_given_up_in_time(
    face: Face, device: str, changes: bool
) -> None:
    words = ("show", "volumes") if device == "nols" else ("sudo", "xl", "list")
    await face.ask(device, *words)
    await face.strike(Fault("hang", device, times=1))

    with pytest.raises(OutcomeUnknown if changes else Unreachable):
        await face.ask(device, *words, changes=changes)


@pytest.mark.parametrize("device", ["fy", "nols"])
async def test_a_device_that_refuses_is_unreachable_until_it_is_mended(
    face: Face, device: str
) -> None:
    words = ("show", "system") if device == "nols" else ("date", "+%s")
    await face.ask(device, *words)
    await face.strike(Fault("refuse", device))

    with pytest.raises(Unreachable):
        await face.ask(device, *words)

    await face.clear()
    assert (await face.ask(device, *words)).stdout


async def test_a_garbled_answer_is_never_taken_for_a_good_one(face: Face) -> None:
    await face.strike(Fault("garble", "fy", "nounou-look"))
    with pytest.raises(BotError):
        await face.launcher().look("job-1")

    await face.strike(Fault("garble", "fy", "xl list"))
    good = "Domain-0 "
    assert good not in (await face.ask("fy", "sudo", "xl", "list")).stdout


async def test_a_slow_answer_comes(face: Face) -> None:
    await face.strike(Fault("slow", "fy", times=1))

    assert (await face.ask("fy", "sudo", "xl", "domid", "vm")).stdout == "1\n"


async def test_a_fault_strikes_only_what_it_names(face: Face) -> None:
    await face.strike(Fault("hang", "fz", "xl list"))

    assert (await face.ask("fz", "sudo", "xl", "domid", "redisdead")).stdout == "1\n"
    assert (await face.ask("fy", "sudo", "xl", "list")).exit == 0


async def test_links_and_volumes_agree_between_hosts_and_array(face: Face) -> None:
    answer = await face.ask("nols", "show", "volumes")
    volumes = {
        row["volume-name"]: row
        for row in (
            {entry.get("name", ""): entry.text or "" for entry in found.iter("PROPERTY")}
            for found in ET.fromstring(answer.stdout.partition("?>")[2]).iter("OBJECT")
        )
        if "volume-name" in row
    }
    devices = set()
    for host in ("fy", "fz"):
        device = (await face.ask(host, "readlink", "-f", "/dev/vm-root")).stdout.strip()
        devices.add(device)
        inquiry = ("sudo", "/lib/udev/scsi_id", "-g", "-u", "-d", device)
        size = await face.ask(host, "sudo", "blockdev", "--getsize64", device)
        assert (await face.ask(host, *inquiry)).stdout == f"3{volumes['vm-root']['wwn'].lower()}\n"
        assert int(size.stdout) == int(volumes["vm-root"]["size-numeric"]) * 512
    assert len(devices) == 2
    assert "daath-home" in volumes


async def test_the_script_makes_a_missing_link_and_corrects_a_wrong_one(face: Face) -> None:
    update = ("sudo", "/usr/scripts/gestion/iscsi/update.sh")
    right = (await face.ask("fz", "readlink", "-f", "/dev/vm-root")).stdout
    for fault, wrong in (("missing-link", "/dev/vm-root\n"), ("stale-link", None)):
        await face.strike(Fault(fault, "fz", "vm-root"))
        seen = (await face.ask("fz", "readlink", "-f", "/dev/vm-root")).stdout
        assert seen != right
        assert wrong in (None, seen)

        assert (await face.ask("fz", *update, changes=True)).exit == 0

        assert (await face.ask("fz", "readlink", "-f", "/dev/vm-root")).stdout == right
    denied = await face.ask("fz", update[1])
    assert denied.exit == 1


async def test_the_small_commands_answer_as_on_a_dom0(face: Face) -> None:
    pattern = "^[[:space:]]*name[[:space:]]*="
    found = await face.ask("fz", "grep", "-rHE", "--include=*.cfg", pattern, "/etc/xen")
    assert '/etc/xen/sleeper.cfg:name = "sleeper"' in found.stdout.splitlines()
    assert (await face.ask("fz", "grep", "-rHE", "--include=*.x", pattern, "/etc/xen")).exit == 1
    assert float((await face.ask("fz", "date", "+%s.%N")).stdout) > 1_700_000_000
    assert len((await face.ask("fz", "cat", "/proc/uptime")).stdout.split()) == 2
    boot = (await face.ask("fz", "cat", "/proc/sys/kernel/random/boot_id")).stdout
    assert str(UUID(boot.strip())) == boot.strip()
    assert (await face.ask("fz", "nosuchcommand")).exit == 127
    monitor = next(
        entry for entry in face.world.hosts["fz"].processes.all() if "create" in entry.args
    )
    link = await face.ask("fz", "sudo", "readlink", f"/proc/{monitor.pid}/fd/0")
    assert link.stdout == "/dev/null\n"


async def test_the_array_changes_nothing_and_says_so(face: Face) -> None:
    before = dict(face.world.arrays["nols"].volumes)

    answer = await face.ask("nols", "delete", "volumes", "daath-home", changes=True)

    codes = [
        entry.text
        for entry in ET.fromstring(answer.stdout.partition("?>")[2]).iter("PROPERTY")
        if entry.get("name") == "return-code"
    ]
    assert codes
    assert codes[-1] != "0"
    assert face.world.arrays["nols"].volumes == before
