"""Guests as their configuration files describe them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any


class ConfigSyntax(Exception):
    """A configuration file that `xl` cannot parse; the text is what it prints."""


@dataclass(frozen=True)
class GuestDisk:
    """A disk line of a configuration file."""

    path: str
    vdev: str
    writable: bool = True


@dataclass(frozen=True)
class GuestNic:
    """A vif line of a configuration file."""

    mac: str
    bridge: str


@dataclass(frozen=True)
class Guest:
    """What a configuration file says of one guest; memory in MiB."""

    name: str
    uuid: str
    type: str
    memory: int
    kernel: str
    vcpus: int = 1
    disks: tuple[GuestDisk, ...] = ()
    nics: tuple[GuestNic, ...] = ()
    extra: str = "console=hvc0 net.ifnames=0 mitigations=off"
    ramdisk: str = "/boot/domu/initrd.gz"

    def config(self) -> str:
        """The guest as a configuration file (reference B.4)."""
        disks = ", ".join(
            f"'{d.path},raw,{d.vdev},{'rw' if d.writable else 'ro'}'" for d in self.disks
        )
        nics = ", ".join(f"'mac={n.mac},bridge={n.bridge}'" for n in self.nics)
        return (
            f'name = "{self.name}"\nuuid = "{self.uuid}"\ntype = "{self.type}"\n'
            f"memory = {self.memory}\nmaxmem = {self.memory}\nvcpus = {self.vcpus}\n"
            f'kernel = "{self.kernel}"\nramdisk = "{self.ramdisk}"\nextra = "{self.extra}"\n'
            f"disk = [ {disks} ]\nvif = [ {nics} ]\n"
        )


@dataclass
class _Values:
    """The keys of a configuration file; strings, numbers and lists of strings."""

    found: dict[str, Any] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        return str(self.found.get(key, default))

    def number(self, key: str, default: int) -> int:
        return int(self.found.get(key, default))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(str(item) for item in self.found.get(key, ()))


_KEY = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*(?:#.*)?$")


def read_config(text: str, path: str, uuid: str) -> Guest:
    """The guest that *text* describes; *uuid* is for a file that names none."""
    values = _Values()
    for number, line in enumerate(text.splitlines(), start=1):
        match = _KEY.match(line)
        if match is None or line.lstrip().startswith("#"):
            continue
        try:
            values.found[match[1]] = ast.literal_eval(match[2])
        except (SyntaxError, ValueError):
            raise ConfigSyntax(_complaint(path, number, match[2])) from None
    return Guest(
        name=values.text("name"),
        uuid=values.text("uuid", uuid),
        type=values.text("type", "pv"),
        memory=values.number("memory", 32),
        kernel=values.text("kernel"),
        vcpus=values.number("vcpus", 1),
        disks=tuple(_disk(line) for line in values.texts("disk")),
        nics=tuple(_nic(line) for line in values.texts("vif")),
        extra=values.text("extra"),
        ramdisk=values.text("ramdisk"),
    )


def _complaint(path: str, line: int, value: str) -> str:
    """What `xl` says of a value that is none (50-create-syntax-error)."""
    near = f"{path}:{line}: config parsing error near"
    lexical = f"{near} `{value}': lexical error\n" if value else ""
    return (
        f"{lexical}{near} <newline>: syntax error, unexpected NEWLINE, "
        "expecting STRING or NUMBER or '['\nFailed to parse config: Invalid argument\n"
    )


def _disk(line: str) -> GuestDisk:
    fields = [part.strip() for part in line.removeprefix("phy:").split(",")]
    vdev = next((part for part in fields[1:] if part.startswith(("xvd", "hd", "sd"))), "xvda")
    return GuestDisk(fields[0], vdev, writable=fields[-1] not in {"r", "ro"})


def _nic(line: str) -> GuestNic:
    parts = dict(part.split("=", 1) for part in line.replace(" ", "").split(",") if "=" in part)
    return GuestNic(parts.get("mac", ""), parts.get("bridge", "xenbr0"))
