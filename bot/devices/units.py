"""The systemd units that time services run as (systemctl(1))."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.core.text import clean
from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output, Session
from bot.errors import DeviceError
from bot.i18n import _

#: systemctl's word for a unit that is there and not forbidden
_LOADED = "loaded"
#: sudo's own words, before it runs anything
_SUDO = re.compile(r"^sudo: (.*)", re.MULTILINE)
#: what it only warns of, and goes on
_WARNING = re.compile(r"^sudo: unable to resolve host .*\n?", re.MULTILINE)
#: what a shell says where there is no such command (POSIX, 2.8.2)
NOT_FOUND = 127


@dataclass(frozen=True)
class Unit:
    """One unit as systemd sees it."""

    #: without ``.service``
    name: str
    installed: bool
    active: bool


def units_call(*names: str) -> Call[tuple[Unit, ...]]:
    """What became of the units *names*; nothing where the machine is not run by systemd."""

    def parse(output: Output) -> tuple[Unit, ...]:
        return _read(names, output)

    shown = ("--property=LoadState", "--property=ActiveState")
    return Call(("systemctl", "show", *shown, "--", *names), parse)


def _read(names: tuple[str, ...], output: Output) -> tuple[Unit, ...]:
    if output.exit != 0:
        return ()
    blocks = [block.splitlines() for block in output.stdout.strip().split("\n\n")]
    if len(blocks) != len(names):
        raise not_understood("systemctl", output.stdout)
    return tuple(_unit(name, block) for name, block in zip(names, blocks, strict=True))


def _unit(name: str, lines: list[str]) -> Unit:
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    if said.keys() != {"LoadState", "ActiveState"}:
        raise not_understood("systemctl", " ".join(lines))
    return Unit(name, said["LoadState"] == _LOADED, said["ActiveState"] in ("active", "reloading"))


async def runs(session: Session, *names: str) -> bool:
    """Whether systemd holds one of the units *names* to run; False where nobody can say."""
    return any(unit.active for unit in await session.run(units_call(*names)))


async def restart(session: Session, *names: str) -> None:
    """Start the first of the units *names* anew that is installed (changes).

    Raises `DeviceError` where none is, and with what systemctl or sudo says where it fails.
    """
    units = await session.run(units_call(*names))
    found = next((unit.name for unit in units if unit.installed), None)
    if found is None:
        raise DeviceError(
            _("Its systemd knows no unit {names}.").format(names=" / ".join(names)),
            hint=_("Start it anew by hand."),
        )
    await session.run(change("systemctl", "restart", found))


def change(*words: str) -> Call[None]:
    """*words* with root's rights, sent once; sudo never asks for a password."""

    def parse(output: Output) -> None:
        output = replace(output, stderr=_WARNING.sub("", output.stderr))
        refused = _SUDO.search(output.stderr)
        if output.exit != 0 and refused is not None:
            said = clean(refused[1], 120)
            raise DeviceError(
                _("The machine does not let the bot run {command}: sudo says: {said}").format(
                    command=words[0], said=said
                )
            )
        must_succeed(output, words[0])

    return Call(("sudo", "-n", *words), parse, changes=True)
