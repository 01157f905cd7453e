"""What `libxl` says when something fails, to the letter of the recordings."""

from __future__ import annotations

#: 45-destroy-dom0
DOMAIN_0 = (
    "Not destroying domain 0; use -f to force.\n"
    "This can only be done when using a disaggregated hardware domain and toolstack.\n\n"
)


def destroy_failed(rc: int) -> str:
    """What `xl destroy` itself says at last (xen tools/xl/xl_vmcontrol.c, not recorded)."""
    return f"destroy failed (rc={rc})\n"


def unable_to_destroy(domid: int) -> str:
    """libxl's last two lines where a domain withstands (47, of a creation)."""
    return (
        f"libxl: error: libxl_domain.c:1137:domain_destroy_callback: Domain {domid}:"
        "Unable to destroy guest\n"
        f"libxl: error: libxl_domain.c:1064:domain_destroy_cb: Domain {domid}:"
        "Destruction of domain failed\n"
    )


def destruction_failed(domid: int) -> str:
    """The last three lines of every failed creation (47, 49, 51 to 53, 78)."""
    return (
        f"libxl: error: libxl_domain.c:1183:libxl__destroy_domid: Domain {domid}:"
        "Non-existant domain\n" + unable_to_destroy(domid)
    )


def name_exists(domid: int, name: str) -> str:
    """47-create-duplicate, 81-migrate-name-taken."""
    return (
        f"libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain {domid}:"
        f'Domain with name "{name}" already exists.\n'
    )


def cannot_make(domid: int) -> str:
    """47-create-duplicate."""
    return (
        f"libxl: error: libxl_create.c:1296:initiate_domain_create: Domain {domid}:"
        "cannot make domain: -6\n"
    )


def cannot_build(domid: int) -> str:
    """49, 53, 78."""
    return (
        f"libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain {domid}:"
        "cannot (re-)build domain: -3\n"
    )


def no_disk(domid: int, number: int, vdev: str, path: str) -> str:
    """51-create-no-disk."""
    return (
        f"libxl: error: libxl_device.c:455:libxl__device_disk_set_backend: Disk vdev={vdev} "
        f"failed to stat: {path}: No such file or directory\n"
        f"libxl: error: libxl_create.c:1318:initiate_domain_create: Domain {domid}:"
        f"Unable to set disk defaults for disk {number}\n"
    )


def no_kernel(domid: int, kernel: str) -> str:
    """53-create-no-kernel."""
    return (
        f"xc: error: panic: xg_dom_core.c:205: failed to open file '{kernel}': "
        "No such file or directory: Internal error\n"
        "libxl: error: libxl_dom.c:646:libxl__build_pv: xc_dom_kernel_file failed: "
        "No such file or directory\n" + cannot_build(domid)
    )


def no_memory(domid: int) -> str:
    """49-create-no-memory."""
    return (
        "xc: error: panic: xg_dom_boot.c:119: xc_dom_boot_mem_init: "
        "can't allocate low memory for domain: Out of memory\n"
        "libxl: error: libxl_dom.c:586:libxl__build_dom: xc_dom_boot_mem_init failed: "
        "Cannot allocate memory\n" + cannot_build(domid)
    )


def disk_in_use(domid: int, device: str, pid: int = 1285) -> str:
    """52-create-disk-in-use."""
    return (
        "libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: "
        f"/etc/xen/scripts/block add [{pid}] exited with error status 1\n"
        "libxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: "
        f"Device /dev/{device} is mounted in a guest domain,\nand so cannot be mounted now.\n"
        f"libxl: error: libxl_create.c:1672:domcreate_launch_dm: Domain {domid}:"
        "unable to add disk devices\n"
    )
