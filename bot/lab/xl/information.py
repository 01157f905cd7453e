"""`xl info`: what the hypervisor says of itself."""

from __future__ import annotations

from bot.lab.command import Command
from bot.lab.dom0 import Dom0
from bot.lab.xl.options import read_words


async def info(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl info [-n] [KEY]` (02, 27, 30, 77, stock-info)."""
    words = read_words(arguments, "hn", long=("numa",))
    values = _values(command.dom0)
    if words.rest:
        found = values.get(words.rest[0])
        if found is not None:
            command.out(f"{found}\n")
        return 0
    for key, value in values.items():
        if key == "xen_major" and words.has("n", "numa"):
            command.out(_topology(command.dom0))
        command.out(f"{key:<23}: {value}\n")
    return 0


def _values(host: Dom0) -> dict[str, str]:
    """Every line, in the order of the recordings; the numbers of this host."""
    return {
        "host": host.name,
        "release": "6.1.0-56-amd64",
        "version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)",
        "machine": "x86_64",
        "nr_cpus": "2",
        "max_cpu_id": "1",
        "nr_nodes": "1",
        "cores_per_socket": "2",
        "threads_per_core": "1",
        "cpu_mhz": "2445.424",
        "hw_caps": "178bf3fd:80002001:20100800:00000007:00000000:00000000:00000000:00000000",
        "virt_caps": f"pv hvm hap {'shadow ' if host.machine.shadow else ''}gnttab-v1 gnttab-v2",
        "total_memory": str(host.machine.total_memory),
        "free_memory": str(host.free_memory),
        "sharing_freed_memory": "0",
        "sharing_used_memory": "0",
        "outstanding_claims": "0",
        "free_cpus": "0",
        **_xen(host),
        "xend_config_format": "4",
    }


def _xen(host: Dom0) -> dict[str, str]:
    """The hypervisor's own lines: Debian's build (stock-info), or the one with shadow (02-info)."""
    shadow = host.machine.shadow
    memory = host.machine.dom0_memory
    return {
        "xen_major": "4",
        "xen_minor": "17",
        "xen_extra": ".5" if shadow else ".7",
        "xen_version": "4.17.5" if shadow else "4.17.7",
        "xen_caps": "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
        "xen_scheduler": "credit2",
        "xen_pagesize": "4096",
        "platform_params": "virt_start=0xffff800000000000",
        "xen_changeset": "",
        "xen_commandline": (
            f"console=com1 com1=115200,8n1 dom0_mem={memory}M,max:{memory}M dom0_max_vcpus=1 "
            "bootscrub=0 loglvl=info guest_bootscrub=0 loglvl=info xpti=no spec-ctrl=no watchdog=0 "
        ),
        "cc_compiler": ("" if shadow else "x86_64-linux-gnu-")
        + "gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
        "cc_compile_by": "" if shadow else "pkg-xen-devel",
        "cc_compile_domain": "" if shadow else "lists.alioth.debian.org",
        "cc_compile_date": "Mon Nov 23 07:10:58 UTC 2026"
        if shadow
        else "Wed Nov  4 16:52:28 UTC 2026",
        "build_id": "ff00cb4731653f09f99bade480480f62fe5175dd"
        if shadow
        else "151b373fd64b321593bf987fd923cd10dabadac4",
    }


def _topology(host: Dom0) -> str:
    """What `-n` adds (27-info-n)."""
    total, free = host.machine.total_memory, host.free_memory
    return (
        "cpu_topology           :\n"
        "cpu:    core    socket     node\n"
        "  0:       0        0        0\n"
        "  1:       1        0        0\n"
        "device topology        :\n"
        "device           node\n"
        "No device topology data available\n"
        "numa_info              :\n"
        "node:    memsize    memfree    distances\n"
        f"{0:>4}: {total:>9} {free:>10}      10\n"
    )
