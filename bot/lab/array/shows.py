"""The `show` commands: each turns the array's state into rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.lab.array.rows import Row
from bot.lab.volumes import Array, Volume

#: sizes are counted in blocks of 512 bytes (reference A.4)
BLOCK = 512
#: space of the array's one vdisk
VDISK_BYTES = 6 * 10**12


class NotFound(Exception):
    """An object that was named is not there; carries the return code (reference A.2)."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def size_text(size: int) -> str:
    """A size as the array prints it: powers of ten, cut after one digit (reference A.4)."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size * 10 // factor / 10:.1f}{unit}"
    return f"{size}B"


def _chosen(array: Array, names: Sequence[str]) -> list[Volume]:
    words = [name for name in names if name]
    if words[:1] == ["vdisk"]:
        return [volume for volume in array.volumes.values() if volume.pool in words[1].split(",")]
    if not words:
        return list(array.volumes.values())
    wanted = words[0].split(",")
    for name in wanted:
        if name not in array.volumes:
            raise NotFound(-10075, f"The volume was not found. ({name})")
    return [array.volumes[name] for name in wanted]


def volumes(array: Array, names: Sequence[str]) -> list[Row]:
    """`show volumes [vdisk V] [NAMES]`."""
    headings = {
        "virtual-disk-name": "Vdisk",
        "volume-name": "Name",
        "size": "Size",
        "serial-number": "Serial Number",
        "health": "Health",
    }
    return [
        Row(
            "volumes",
            "volume",
            {
                "virtual-disk-name": volume.pool,
                "volume-name": volume.name,
                "size": size_text(volume.size),
                "size-numeric": str(volume.size // BLOCK),
                "serial-number": volume.serial,
                "write-policy": "write-back",
                "volume-type": "base",
                "volume-class": "standard",
                "blocks": str(volume.size // BLOCK),
                "wwn": volume.wwn.upper(),
                "health": "OK",
                "health-numeric": "0",
            },
            headings,
        )
        for volume in _chosen(array, names)
    ]


def vdisks(array: Array, names: Sequence[str]) -> list[Row]:
    """`show vdisks [V]`."""
    free = VDISK_BYTES - sum(volume.size for volume in array.volumes.values())
    pools = sorted({volume.pool for volume in array.volumes.values()})
    if names and names[0] not in pools:
        raise NotFound(-10075, f"The vdisk was not found. ({names[0]})")
    return [
        Row(
            "virtual-disks",
            "virtual-disk",
            {
                "name": pool,
                "size": size_text(VDISK_BYTES),
                "size-numeric": str(VDISK_BYTES // BLOCK),
                "freespace": size_text(free),
                "freespace-numeric": str(free // BLOCK),
                "owner": "A",
                "preferred-owner": "A",
                "raidtype": "RAID6",
                "diskcount": "8",
                "status": "FTOL",
                "health": "OK",
                "health-numeric": "0",
            },
            {"name": "Name", "size": "Size", "freespace": "Free", "status": "Status"},
        )
        for pool in pools
    ]


def _mapping(basetype: str, values: Mapping[str, str]) -> Row:
    headings = {"lun": "LUN", "access": "Access", "ports": "Ports", "nickname": "Nickname"}
    return Row(basetype, basetype.removesuffix("s"), values, headings)


def volume_maps(array: Array, names: Sequence[str]) -> list[Row]:
    """`show volume-maps [NAMES]`; on G3 the initiator is `port-wwn` (reference A.3)."""
    rows: list[Row] = []
    for volume in _chosen(array, names):
        rows.append(
            Row(
                "volume-view",
                "volume-view",
                {"volume-serial": volume.serial, "volume-name": volume.name},
                {"volume-serial": "Serial Number", "volume-name": "Name"},
            )
        )
        for host, luns in array.maps.items():
            rows += [
                _mapping(
                    "volume-view-mappings",
                    {
                        "lun": str(lun),
                        "access": "read-write",
                        "ports": "A1,A2,B1,B2",
                        "port-wwn": array.initiators[host],
                        "nickname": host,
                        "host-profile": "Standard",
                    },
                )
                for lun, name in luns.items()
                if name == volume.name
            ]
        rows.append(_mapping("volume-view-mappings", _NO_DEFAULT))
    return rows


#: the default mapping's row, which is no mapping: told by its access (reference A.3)
_NO_DEFAULT = {
    "lun": "",
    "access": "not-mapped",
    "ports": "",
    "port-wwn": "all other hosts",
    "nickname": "",
    "host-profile": "",
}


def host_maps(array: Array, names: Sequence[str]) -> list[Row]:
    """`show host-maps [HOST]`."""
    rows: list[Row] = []
    if names and names[0] not in (*array.initiators, *array.initiators.values()):
        raise NotFound(-10074, f"The host was not found. ({names[0]})")
    for host, iqn in array.initiators.items():
        if names and names[0] not in (host, iqn):
            continue
        rows.append(
            Row(
                "host-view",
                "host-view",
                {"id": iqn, "hba-nickname": host, "host-profile": "Standard"},
                {"id": "Host ID", "hba-nickname": "Name"},
            )
        )
        for lun, name in sorted(array.maps.get(host, {}).items()):
            rows.append(
                _mapping(
                    "host-view-mappings",
                    {
                        "volume": name,
                        "volume-name": name,
                        "volume-serial": array.volumes[name].serial,
                        "lun": str(lun),
                        "access": "read-write",
                        "ports": "A1,A2,B1,B2",
                        "nickname": host,
                    },
                )
            )
    return rows


def hosts(array: Array, _names: Sequence[str]) -> list[Row]:
    """`show hosts`."""
    return [
        Row(
            "hosts",
            "host",
            {
                "host-id": iqn,
                "host-name": host,
                "host-discovered": "Yes",
                "host-mapped": "Yes" if array.maps.get(host) else "No",
                "host-profile": "Standard",
                "host-bus-type": "iSCSI",
            },
            {"host-id": "Host ID", "host-name": "Name", "host-mapped": "Mapped"},
        )
        for host, iqn in array.initiators.items()
    ]


#: the `T` tells the dialect (reference A.0)
FIRMWARE = "T252R07"
BUNDLE = "TS252R007"


def controllers(array: Array, _names: Sequence[str]) -> list[Row]:
    """`show controllers`."""
    return [
        Row(
            "controllers",
            "controller",
            {
                "durable-id": f"controller_{letter.lower()}",
                "controller-id": letter,
                "serial-number": f"00c0ff53a3{number:02}",
                "sc-fw": FIRMWARE,
                "sc-model": "P2000G3 iSCSI",
                "vendor": "HP",
                "model": "P2000G3 iSCSI",
                "status": "Operational",
                "health": "OK",
                "health-numeric": "0",
            },
            {"controller-id": "Controller", "sc-fw": "SC Firmware", "status": "Status"},
        )
        for number, letter in enumerate("AB")
    ]


def system(array: Array, _names: Sequence[str]) -> list[Row]:
    """`show system`."""
    return [
        Row(
            "system",
            "system-information",
            {
                "system-name": array.name,
                "system-contact": "nounous",
                "system-location": "lab",
                "system-information": "embedded site",
                "vendor-name": "HP",
                "product-id": "P2000 G3 iSCSI",
                "product-brand": "StorageWorks",
                "scsi-vendor-id": "HP",
                "scsi-product-id": "P2000 G3 iSCSI",
                "health": "OK",
                "health-numeric": "0",
            },
            {"system-name": "System Name", "product-id": "Product ID", "health": "Health"},
        )
    ]


def versions(array: Array, _names: Sequence[str]) -> list[Row]:
    """`show versions`."""
    return [
        Row(
            "versions",
            f"controller-{letter}-versions",
            {"sc-cpu-type": "Celeron 566MHz", "bundle-version": BUNDLE, "sc-fw": FIRMWARE},
            {"bundle-version": "Bundle Version", "sc-fw": "SC Firmware"},
        )
        for letter in "ab"
    ]


SHOWS: dict[str, Callable[[Array, Sequence[str]], list[Row]]] = {
    "volumes": volumes,
    "vdisks": vdisks,
    "volume-maps": volume_maps,
    "host-maps": host_maps,
    "hosts": hosts,
    "controllers": controllers,
    "system": system,
    "versions": versions,
}
