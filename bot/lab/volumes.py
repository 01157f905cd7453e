"""The array's volumes and maps, and the SCSI disks and links that a host makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from string import ascii_lowercase

#: the controller in every serial number of this array (form of reference A.8)
_CONTROLLER = "53a305"


@dataclass(frozen=True)
class Volume:
    """A volume of the array; `size` in bytes."""

    name: str
    size: int
    serial: str
    pool: str = "vd1"

    @property
    def wwn(self) -> str:
        """The WWN, lower case, made of the serial number (reference A.8)."""
        return f"600c0ff000{self.serial[6:12]}{self.serial[16:32]}"


def serial(number: int, made: int) -> str:
    """The serial number of the *number*-th volume, made at the Unix time *made*."""
    return f"00c0ff{_CONTROLLER}0000{made:08x}{number:02x}000000"


@dataclass
class Array:
    """A storage array: what it holds, and what it shows to whom under which LUN."""

    name: str
    volumes: dict[str, Volume] = field(default_factory=dict)
    #: host, then LUN, then the volume's name
    maps: dict[str, dict[int, str]] = field(default_factory=dict)
    #: the iSCSI name of each host
    initiators: dict[str, str] = field(default_factory=dict)

    def show(self, volume: str, host: str, lun: int) -> None:
        """Map *volume* to *host* as *lun*."""
        self.maps.setdefault(host, {})[lun] = volume

    def behind(self, host: str, lun: int) -> Volume | None:
        """The volume that answers *host* under *lun* now."""
        name = self.maps.get(host, {}).get(lun)
        return self.volumes.get(name) if name else None


@dataclass
class Disks:
    """The SCSI disks of one host and its links from ``/dev/NAME`` to them.

    A disk is a LUN; which volume answers there is asked of the array each time, so that a link can
    be stale as on real hosts (reference C).
    """

    host: str
    array: Array
    #: the host's own disks, whose names are taken
    local: tuple[str, ...] = ("sda",)
    #: ``sdb`` to its LUN
    devices: dict[str, int] = field(default_factory=dict)
    #: a volume's name to the device that its link leads to
    links: dict[str, str] = field(default_factory=dict)

    def inquire(self, device: str) -> Volume | None:
        """The volume that answers behind *device*, asked afresh."""
        lun = self.devices.get(device)
        return None if lun is None else self.array.behind(self.host, lun)

    def follow(self, path: str) -> str | None:
        """The device's name that *path* leads to; nothing where there is no such file."""
        name = path.removeprefix("/dev/")
        device = self.links.get(name, name)
        return device if device in self.devices else None

    def open(self, path: str) -> Volume | None:
        """The volume that a guest gets that opens *path*."""
        device = self.follow(path)
        return None if device is None else self.inquire(device)

    def update(self) -> None:
        """What the site's script does: find new volumes, make missing links, correct wrong ones."""
        for lun in sorted(self.array.maps.get(self.host, {})):
            if lun not in self.devices.values():
                self.devices[self._free_letter()] = lun
        for device in self.devices:
            volume = self.inquire(device)
            if volume is not None:
                self.links[volume.name] = device

    def _free_letter(self) -> str:
        names = (f"sd{letter}" for letter in ascii_lowercase)
        return next(name for name in names if name not in (*self.devices, *self.local))
