"""The lab's site as it is on the first day: hosts, array, guests."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from random import Random

from bot.lab.clock import RECORDED
from bot.lab.clocks.first_day import wind_up
from bot.lab.dom0 import Machine
from bot.lab.domains import Life
from bot.lab.guests import Guest, GuestDisk, GuestNic
from bot.lab.volumes import Array, Volume, serial
from bot.lab.world import Pace, World

GIB = 2**30
KERNEL = "/boot/vmlinuz-6.1.0-41-amd64"
RAMDISK = "/boot/initrd.img-6.1.0-41-amd64"

#: fz has about 2 GiB left beside redisdead; only fy keeps logs of the consoles
MACHINES = (Machine("fy", 8191, console_logs=True, ilo=2), Machine("fz", 3071, ilo=4))

#: name, type, MiB, where it runs at first (nowhere: stopped), whether it has a swap volume
GUESTS = (
    ("vm", "pvh", 512, "fy", True),
    ("zamok", "pv", 1024, "fy", True),
    ("redisdead", "pvh", 256, "fz", False),
    ("owl", "pvh", 4096, "fy", False),
    ("sleeper", "pvh", 256, "", False),
)

#: the guests that answer by ssh, and those that answer as time servers; into owl there is no way
BY_SSH = ("vm", "zamok", "sleeper")
BY_NTP = ("redisdead",)

#: the volumes of daath, which no Dom0 ever sees
PROTECTED = (("daath-home", 500 * GIB), ("daath-scripts", 4 * GIB))


def lab_world(
    *, pace: Pace | None = None, seed: int = 0, epoch: float = RECORDED, first_pid: int = 1000
) -> World:
    """The lab's world; to be called on the loop that it lives on."""
    guests = [(_guest(seed, *row[:3], swap=row[4]), row[3]) for row in GUESTS]
    world = build_world(
        MACHINES, guests, pace=pace, seed=seed, epoch=epoch, first_pid=first_pid, others=PROTECTED
    )
    world.by_ssh, world.by_ntp = BY_SSH, BY_NTP
    wind_up(world, seed)
    return world


def build_world(
    machines: Iterable[Machine],
    guests: Iterable[tuple[Guest, str]],
    *,
    pace: Pace | None = None,
    seed: int = 0,
    epoch: float = RECORDED,
    first_pid: int = 1000,
    others: Iterable[tuple[str, int]] = (),
) -> World:
    """A world of *machines* and *guests*, each where it says; *others* are daath's volumes."""
    machines, guests = tuple(machines), tuple(guests)
    array = _array(guests, others, [machine.name for machine in machines])
    world = World([*machines], [array], pace=pace, seed=seed, epoch=epoch, first_pid=first_pid)
    for place, host in enumerate(world.hosts.values()):
        # one volume has another name on each host, as on real ones
        host.disks.local = ("sda", "sdb", "sdc")[: place + 1]
        host.disks.update()
        host.files |= {f"/etc/xen/{guest.name}.cfg": guest.config() for guest, _ in guests}
        host.files |= dict.fromkeys({guest.kernel for guest, _ in guests}, "")
        host.booted = -300_000.0
    for guest, where in guests:
        world.clock_of(guest.name)
        if where:
            host = world.hosts[where]
            domain = host.build(guest, Life.ALIVE)
            domain.born = -200_000.0
            host.watch_over(domain, ("xl", "create", f"/etc/xen/{guest.name}.cfg"))
    return world


def _guest(seed: int, name: str, kind: str, memory: int, *, swap: bool) -> Guest:
    luck = Random(f"{seed} {name}")  # noqa: S311 - a world that can be replayed, no secret
    disks = [GuestDisk(f"/dev/{name}-root", "xvda1")]
    if swap:
        disks.append(GuestDisk(f"/dev/{name}-swap", "xvda2"))
    mac = "00:16:3e:" + ":".join(f"{luck.randrange(256):02x}" for _ in range(3))
    return Guest(
        name=name,
        uuid=str(uuid.UUID(int=luck.getrandbits(128), version=4)),
        type=kind,
        memory=memory,
        kernel=KERNEL,
        disks=tuple(disks),
        nics=(GuestNic(mac, "br-adm"),),
        extra="root=/dev/xvda1 ro console=hvc0",
        ramdisk=RAMDISK,
    )


def _array(
    guests: tuple[tuple[Guest, str], ...], others: Iterable[tuple[str, int]], hosts: list[str]
) -> Array:
    """`nols`, with a volume for each disk of each guest, shown to every Dom0 under one LUN."""
    array = Array("nols")
    others = tuple(others)
    array.initiators = {
        host: f"iqn.1993-08.org.debian:01:{host}"
        for host in (*hosts, *(["daath"] if others else []))
    }
    made = int(RECORDED) - 40_000_000
    paths = dict.fromkeys(disk.path for guest, _ in guests for disk in guest.disks)
    for number, (name, size) in enumerate(others, start=1):
        array.volumes[name] = Volume(name, size, serial(number, made + number))
        array.show(name, "daath", number)
    for number, path in enumerate(paths, start=len(array.volumes) + 1):
        name = path.removeprefix("/dev/")
        size = 1 * GIB if name.endswith("-swap") else 20 * GIB
        array.volumes[name] = Volume(name, size, serial(number, made + 1000 * number))
        for host in hosts:
            array.show(name, host, number)
    return array
