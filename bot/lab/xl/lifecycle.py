"""`xl create`, and what stops a domain gently: shutdown, reboot, pause, unpause."""

from __future__ import annotations

import asyncio
import uuid

from bot.lab.command import Command
from bot.lab.dom0 import Dom0
from bot.lab.domains import Domain, Life
from bot.lab.guests import ConfigSyntax, Guest, read_config
from bot.lab.xl import texts
from bot.lab.xl.options import find_domain, read_words


async def create(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl create FILE` (04 to 07, 47 to 53, 93)."""
    words = read_words(arguments, "hqpcenFVAd", long=("quiet", "paused"), least=1)
    path, host = words.rest[0], command.dom0
    text = host.files.get(path)
    if text is None:
        command.err(f"Failed to read config file: {path}: No such file or directory\n")
        return 3
    if not words.has("q", "quiet"):
        command.err(f"Parsing config from {path}\n")
    new_uuid = str(uuid.UUID(int=command.world.random.getrandbits(128), version=4))
    try:
        guest = read_config(text, path, new_uuid)
    except ConfigSyntax as wrong:
        command.err(str(wrong))
        return 1  # 50-create-syntax-error
    domid = host.take_domid()
    await asyncio.sleep(command.world.pace.create)
    obstacle = _obstacle(host, guest, domid)
    if obstacle:
        command.err(obstacle + texts.destruction_failed(domid))
        return 3
    paused = words.has("p", "paused")
    life = Life.PAUSED if paused else Life.ALIVE
    domain = host.build(guest, life, domid=domid, boot=command.world.pace.boot)
    command.world.clock_of(guest.name).boot(command.world.timepieces[host.name])
    host.watch_over(domain, command.words)
    return 0


def _obstacle(host: Dom0, guest: Guest, domid: int) -> str:
    """Why *guest* cannot start on *host*, as libxl says it; empty where it can.

    Nothing here looks at other hosts: a second copy there is started without a word (93).
    """
    if any(domain.name == guest.name for domain in host.listed()):
        return texts.name_exists(domid, guest.name) + texts.cannot_make(domid)
    for number, disk in enumerate(guest.disks):
        if host.disks.open(disk.path) is None:
            return texts.no_disk(domid, number, disk.vdev, disk.path)
    if guest.type == "pv" and guest.kernel not in host.files:
        return texts.no_kernel(domid, guest.kernel)
    if guest.memory > host.free_memory:
        return texts.no_memory(domid)
    for disk in guest.disks:
        volume = host.disks.open(disk.path)
        if volume is not None and disk.writable and host.uses(volume.wwn):
            return texts.disk_in_use(domid, host.disks.follow(disk.path) or "")
    return ""


async def shutdown(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl shutdown [-w] NAME`; it returns at once, while the guest goes down (43, 96, 97)."""
    words = read_words(arguments, "hawF", long=("wait",), least=1)
    domain = find_domain(command, words.rest[0])
    if domain is None:
        return 1
    command.err(f"Shutting down domain {domain.domid}\n")
    _say_goodbye(command.dom0, domain, "reboot: Power down")
    down = command.world.chores.start(_go_down(command, domain))
    if words.has("w", "wait"):
        command.err("Waiting for 1 domains\n")
        await asyncio.wait({down})
        command.err(f"Domain {domain.domid} has been shut down, reason code 0\n")
    return 0


async def reboot(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl reboot NAME`; the guest comes back under a new domain id (95)."""
    domain = find_domain(command, read_words(arguments, "haF", least=1).rest[0])
    if domain is None:
        return 1
    command.err(f"Rebooting domain {domain.domid}\n")
    _say_goodbye(command.dom0, domain, "reboot: Restarting system")
    command.world.chores.start(come_back(command, domain))
    return 0


def _say_goodbye(host: Dom0, domain: Domain, last: str) -> None:
    system = host.consoles.guest(domain)
    if system is not None and domain.life is Life.ALIVE:
        system.stop(last)


async def _go_down(command: Command, domain: Domain) -> None:
    """The guest stops; its devices close; then it is gone."""
    host, pace = command.dom0, command.world.pace
    await asyncio.sleep(pace.shutdown / 2)
    if host.holds(domain):
        host.live(domain, Life.CLOSING)
        command.world.chores.start(_vanish(host, domain, pace.shutdown / 2))


async def _vanish(host: Dom0, domain: Domain, after: float) -> None:
    await asyncio.sleep(after)
    host.drop(domain)


async def come_back(command: Command, domain: Domain) -> None:
    """The guest of *domain* boots again, in a new one."""
    host, monitor = command.dom0, command.dom0.monitors.get(domain.domid)
    await asyncio.sleep(command.world.pace.shutdown)
    if not host.holds(domain):
        return
    host.drop(domain)
    new = host.build(domain.guest, Life.ALIVE, boot=command.world.pace.boot)
    command.world.clock_of(domain.guest.name).boot(command.world.timepieces[host.name])
    if monitor is not None:
        host.watch_over(new, monitor.words)


async def pause(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl pause NAME` (60)."""
    return _turn(command, arguments, Life.ALIVE, Life.PAUSED)


async def unpause(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl unpause NAME` (60)."""
    return _turn(command, arguments, Life.PAUSED, Life.ALIVE)


def _turn(command: Command, arguments: tuple[str, ...], old: Life, new: Life) -> int:
    domain = find_domain(command, read_words(arguments, "h", least=1).rest[0])
    if domain is None:
        return 1
    if domain.life is old:
        command.dom0.live(domain, new)
    return 0
