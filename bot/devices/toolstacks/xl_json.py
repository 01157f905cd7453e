"""The JSON of `xl list -l` (11-list-l.json): fields at their default value are left out of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from bot.core.units import Size
from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Output
from bot.devices.xen import Disk, DomainConfig, Nic

_Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
_Path = Annotated[str, StringConstraints(max_length=1024)]
_Word = Annotated[str, StringConstraints(pattern=r"^[!-~]{0,64}$")]
_Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_KiB = Annotated[int, Field(ge=0, lt=2**50)]


class _Identity(BaseModel):
    type: Literal["pv", "pvh", "hvm"]
    name: _Name
    uuid: _Uuid


class _Build(BaseModel):
    max_memkb: _KiB | None = None
    target_memkb: _KiB | None = None
    max_vcpus: Annotated[int, Field(ge=1, le=65535)] = 1


class _Disk(BaseModel):
    pdev_path: _Path = ""
    vdev: _Word = ""
    readwrite: bool = False
    is_cdrom: bool = False


class _Nic(BaseModel):
    mac: _Word = ""
    bridge: _Word = ""


class _Config(BaseModel):
    c_info: _Identity
    b_info: _Build
    disks: list[_Disk] = []
    nics: list[_Nic] = []


class _Entry(BaseModel):
    domid: Annotated[int, Field(ge=0, lt=2**16)]
    config: dict[str, object]


class _Guest(BaseModel):
    domid: int
    config: _Config


_ENTRIES = TypeAdapter(list[_Entry])


def read_configs(output: Output) -> tuple[DomainConfig, ...]:
    """The configurations of the guests; Domain-0, which has no uuid, is no guest."""
    must_succeed(output, "xl list -l")
    try:
        entries = _ENTRIES.validate_json(output.stdout.encode("utf-8", "replace"))
        guests = [_Guest.model_validate(entry.model_dump()) for entry in entries if entry.domid]
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise not_understood("xl list -l", where) from error
    return tuple(_config(guest) for guest in guests)


def _config(guest: _Guest) -> DomainConfig:
    identity, build = guest.config.c_info, guest.config.b_info
    memory = build.target_memkb or build.max_memkb
    if memory is None or not identity.name.isprintable():
        raise not_understood("xl list -l", identity.name)
    return DomainConfig(
        name=identity.name,
        domid=guest.domid,
        uuid=identity.uuid,
        type=identity.type,
        memory=Size(memory * 1024),
        vcpus=build.max_vcpus,
        disks=tuple(
            _disk(disk) for disk in guest.config.disks if disk.pdev_path or not disk.is_cdrom
        ),
        nics=tuple(Nic(nic.mac, nic.bridge) for nic in guest.config.nics),
    )


def _disk(disk: _Disk) -> Disk:
    if not disk.pdev_path or not disk.pdev_path.isprintable():
        raise not_understood("xl list -l", f"disk {disk.vdev}")
    return Disk(disk.pdev_path, disk.vdev, disk.readwrite)
