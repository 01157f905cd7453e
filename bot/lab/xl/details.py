"""The long listing of `xl`, as JSON, and the devices of a domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.lab.command import Command
from bot.lab.domains import Domain, Life
from bot.lab.xl.options import find_domain, read_words

_SCHEDULER = {"sched": "credit2", "weight": 256, "cap": 0}
#: libxl writes "no domain id yet" into the stored configuration (11-list-l)
_NO_DOMID = 4294967295


def long_listing(domains: Iterable[Domain]) -> str:
    """`xl list -l` (11, 12); what is left of a dying domain has no configuration any more."""
    listed = [
        {"domid": domain.domid, "config": config(domain)}
        for domain in domains
        if domain.life is not Life.DYING
    ]
    return yajl(listed) + "\n\n"


def config(domain: Domain) -> dict[str, Any]:
    """The configuration that libxl stored for *domain*, disks, nics and all."""
    guest = domain.guest
    if domain.domid == 0:
        return _domain_0(guest.memory)
    return {
        "c_info": {
            "type": guest.type,
            "name": guest.name,
            "domid": _NO_DOMID,
            "uuid": guest.uuid,
            "run_hotplug_scripts": "True",
        },
        "b_info": _build(domain),
        "disks": [
            {
                "pdev_path": disk.path,
                "vdev": disk.vdev,
                "format": "raw",
                "readwrite": int(disk.writable),
                "colo_restore_enable": "False",
            }
            for disk in guest.disks
        ],
        "nics": [
            {"devid": number, "mac": nic.mac, "bridge": nic.bridge, "nictype": "vif"}
            for number, nic in enumerate(guest.nics)
        ],
        "on_reboot": "restart",
        "on_soft_reset": "soft_reset",
    }


def _build(domain: Domain) -> dict[str, Any]:
    """How the domain was built; ``type.pvh`` is libxl_types.idl, only ``type.pv`` was recorded."""
    guest = domain.guest
    return {
        "max_vcpus": guest.vcpus,
        "avail_vcpus": list(range(guest.vcpus)),
        "max_memkb": guest.memory * 1024,
        "target_memkb": guest.memory * 1024,
        "video_memkb": 0,
        "sched_params": _SCHEDULER,
        "claim_mode": "True",
        "kernel": guest.kernel,
        "cmdline": guest.extra,
        "ramdisk": guest.ramdisk,
        f"type.{guest.type}": {},
        "arch_arm": {},
        "arch_x86": {"msr_relaxed": "False"},
    }


def _domain_0(memory: int) -> dict[str, Any]:
    return {
        "c_info": {"type": "pv", "name": "Domain-0"},
        "b_info": {
            "max_memkb": memory * 1024,
            "target_memkb": memory * 1024 - 1,
            "sched_params": _SCHEDULER,
            "type.pv": {},
            "arch_arm": {},
            "arch_x86": {},
        },
    }


def yajl(value: Any, depth: int = 0) -> str:
    """JSON as yajl beautifies it: four blanks a level, and an empty line in an empty map."""
    inner, outer = "    " * (depth + 1), "    " * depth
    if isinstance(value, Mapping):
        if not value:
            return f"{{\n\n{outer}}}"
        rows = [f'{inner}"{key}": {yajl(item, depth + 1)}' for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{outer}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        rows = [f"{inner}{yajl(item, depth + 1)}" for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{outer}]"
    return str(value) if isinstance(value, int) else '"' + str(value).replace('"', '\\"') + '"'


#: xvda is major 202 minor 0, each whole disk 16 minors (26-block-list: xvda is 51712)
def _vdev_number(vdev: str) -> int:
    disk, partition = ord(vdev[3]) - ord("a"), int(vdev[4:] or 0)
    return (202 << 8) + disk * 16 + partition


async def block_list(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl block-list NAME` (26)."""
    domain = find_domain(command, read_words(arguments, "h", least=1).rest[0])
    if domain is None:
        return 1
    heads = ("Vdev", "BE", "handle", "state", "evt-ch", "ring-ref", "BE-path")
    command.out("{:<5} {:<3} {:<6} {:<5} {:<6} {:<8} {:<30}\n".format(*heads))
    for place, disk in enumerate(domain.guest.disks):
        number = _vdev_number(disk.vdev)
        path = f"/local/domain/0/backend/vbd/{domain.domid}/{number}"
        command.out(
            f"{number:<5} {0:<3} {domain.domid:<6} {4:<5} "
            f"{8 + place:<6} {8 + place:<8} {path:<30}\n"
        )
    return 0


async def network_list(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl network-list NAME` (25)."""
    domain = find_domain(command, read_words(arguments, "h", least=1).rest[0])
    if domain is None:
        return 1
    heads = ("Idx", "BE", "Mac Addr.", "handle", "state", "evt-ch", "tx-/rx-ring-ref", "BE-path")
    command.out("{:<3} {:<2} {:<17} {:>6} {:>5} {:>6} {:>17} {:<30}\n".format(*heads))
    for number, nic in enumerate(domain.guest.nics):
        path = f"/local/domain/0/backend/vif/{domain.domid}/{number}"
        sent, received = 522 + 2 * number, 523 + 2 * number
        command.out(
            f"{number:<3} {0:<2} {nic.mac:<17} {number:>5} {4:>5} {-1:>6} "
            f"{sent:>5}/{received:<11} {path:<30}\n"
        )
    return 0
