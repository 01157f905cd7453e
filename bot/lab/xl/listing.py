"""What `xl` says of the domains that exist: `list`, `vm-list`, `uptime`, `domid`, `domname`."""

from __future__ import annotations

import time

from bot.lab.command import Command
from bot.lab.domains import Domain, Life
from bot.lab.xl.details import long_listing
from bot.lab.xl.options import Words, find_domain, read_words

_HEAD = "Name                                        ID   Mem VCPUs\tState\tTime(s)"

#: what a domain that was shut down gives for a reason (xen tools/xl/xl_info.c, not recorded)
_REASONS = {Life.CLOSING: "0", Life.SUSPENDED: "2"}


async def list_domains(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl list [-l] [-v] [-Z] [-n] [-c] [NAME]` (10 to 17, 40, 56)."""
    words = read_words(arguments, "lvhZcn", long=("long", "verbose", "context", "cpupool", "numa"))
    chosen = _chosen(command, words.rest)
    if chosen is None:
        return 1
    if words.has("l", "long"):
        command.out(long_listing(chosen))
        return 0
    command.out(_HEAD + _more_head(words) + "\n")
    now = command.world.clock.now()
    for domain in chosen:
        row = (
            f"{domain.name:<40} {domain.domid:>5} {domain.memory:>5} {_vcpus(domain):>5}"
            f"     {domain.letters(now)}  {domain.cpu_seconds(now):>8.1f}"
        )
        command.out(row + _more(words, domain) + "\n")
    return 0


def _vcpus(domain: Domain) -> int:
    """How many are online: none in a domain whose memory is still coming (90-during-migration)."""
    return 0 if domain.life is Life.INCOMING else domain.guest.vcpus


def _more_head(words: Words) -> str:
    text = ""
    if words.has("v", "verbose"):
        text += "   UUID                            Reason-Code\tSecurity Label"
    elif words.has("Z", "context"):
        text += "   Security Label"
    if words.has("c", "cpupool"):
        text += "         Cpupool"
    if words.has("n", "numa"):
        text += " NODE Affinity"
    return text


def _more(words: Words, domain: Domain) -> str:
    text = ""
    if words.has("v", "verbose"):
        text += f" {domain.guest.uuid} {_REASONS.get(domain.life, '-'):>8} {'-':>16}"
    elif words.has("Z", "context"):
        text += f" {'-':>16}"
    if words.has("c", "cpupool"):
        text += f"{'Pool-0':>16}"
    if words.has("n", "numa"):
        text += " all"
    return text


def _chosen(command: Command, names: list[str]) -> tuple[Domain, ...] | None:
    """The domains that were asked for: all, or the one; nothing where it does not exist."""
    if not names:
        return command.dom0.listed()
    domain = find_domain(command, names[0])
    return None if domain is None else (domain,)


async def vm_list(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl vm-list` (28)."""
    read_words(arguments, "h")
    command.out("UUID                                  ID    name\n")
    for domain in command.dom0.listed():
        command.out(f"{domain.guest.uuid}  {domain.domid}    {domain.name:<30}\n")
    return 0


async def uptime(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl uptime [-s] [NAME]` (20 to 22, 58)."""
    words = read_words(arguments, "hs", long=("short",))
    chosen = _chosen(command, words.rest)
    if chosen is None:
        return 1
    short = words.has("s", "short")
    if not short:
        command.out(f"{'Name':<33} {'ID':>4} Uptime\n")
    now, wall = command.world.clock.now(), command.world.clock.wall()
    clock = time.strftime("%H:%M:%S", time.gmtime(wall))
    for domain in chosen:
        up = int(now - (domain.born if domain.domid else command.dom0.booted))
        if short:
            command.out(f" {clock} up {_up(up)[:-3]}, {domain.name} ({domain.domid})\n")
        else:
            command.out(f"{domain.name:<33} {domain.domid:>4} {_up(up)}\n")
    return 0


def _up(seconds: int) -> str:
    """``12 days,  3:05:07``; days only where there are some."""
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600:>2}:{rest // 60 % 60:02}:{rest % 60:02}"
    if not days:
        return clock
    return f"{days} day{'s' if days > 1 else ''}, {clock}"


async def domid(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl domid NAME` (23, 59)."""
    name = read_words(arguments, "h", least=1).rest[0]
    domain = command.dom0.find(name)
    if domain is None or name.isdigit():
        command.err(f"Can't get domid of domain name '{name}', maybe this domain does not exist.\n")
        return 1
    command.out(f"{domain.domid}\n")
    return 0


async def domname(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl domname ID` (24)."""
    number = read_words(arguments, "h", least=1).rest[0]
    domain = command.dom0.find(number) if number.isdigit() else None
    if domain is None:
        # xen tools/xl/xl_info.c, not recorded
        command.err(
            f"Can't get domain name of domain id '{number}', maybe this domain does not exist.\n"
        )
        return 1
    command.out(f"{domain.name}\n")
    return 0
