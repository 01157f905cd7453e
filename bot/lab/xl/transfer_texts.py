"""What `xl migrate` and its receiver say, to the letter of the recordings; all of it on stderr."""

from __future__ import annotations

from bot.lab.xl import texts

READY = "migration target: Ready to receive domain.\n"
BANNER = (
    "libxl: error: libxl_utils.c:505:libxl_read_exactly: "
    "file/stream truncated reading banner from migration receiver stream\n"
)
CREATION_FAILED = "migration target: Domain creation failed (code -3).\n"
RESTORING = "xc: info: Restoring domain\n"

#: 90-migrate-alpha, pvh-migrate-1: what comes once the stream is whole
ACKNOWLEDGED = (
    "migration target: Transfer complete, requesting permission to start domain.\n"
    "migration sender: Target has acknowledged transfer.\n"
)
GIVING = "migration sender: Giving target permission to start.\n"
GOT = "migration target: Got permission, starting domain.\n"
STARTED = "migration target: Domain started successsfully.\n"
SUCCESS = "migration sender: Target reports successful startup.\nMigration successful.\n"

#: 81-migrate-name-taken, after the failed rename
STARTUP_FAILURE = (
    "migration sender: Target reports startup failure (status code 6).\n"
    "migration target: Failure, destroying our copy.\n"
    "migration target: Cleanup OK, granting sender permission to resume.\n"
    "migration sender: Trying to resume at our end.\n"
    "migration sender: Resumed OK.\n"
    "Migration failed due to problems at target.\n"
)

#: xen tools/xl/xl_migrate.c failed_badly, not recorded
UNDEFINED = (
    "** Migration failed during final handshake **\n"
    "Domain state is now undefined !\n"
    "Please CHECK AT BOTH ENDS for running instances, before renaming and\n"
    " resuming at most one instance.  Two simultaneous instances of the domain\n"
    " would probably result in SEVERE DATA LOSS and it is now your\n"
    " responsibility to avoid that.  Sorry.\n"
)


def preamble(config_length: int) -> str:
    """The lines up to the stream itself."""
    info = f"0x3/0x0/{config_length}"
    return (
        f"Saving to migration stream new xl format (info {info})\n"
        f"Loading new save file <incoming migration stream> (new xl fmt info {info})\n"
        " Savefile contains xl domain config in JSON format\n"
        "Parsing config from <saved>\n"
    )


def saving(domid: int, kind: str) -> str:
    return f"xc: info: Saving domain {domid}, type x86 {_kind(kind)}\n"


def found(kind: str) -> str:
    return f"xc: info: Found x86 {_kind(kind)} domain from Xen 4.17\n"


def _kind(kind: str) -> str:
    """A PVH guest is an HVM one to the stream (pvh-migrate-1)."""
    return "PV" if kind == "pv" else "HVM"


def restored(kind: str, mfn: int) -> str:
    """The pages of XenStore and console: always the same two of PVH, any of PV."""
    first, second = (mfn, mfn - 1) if kind == "pv" else (0xFEFFC, 0xFEFFF)
    return (
        "xc: info: Restore successful\n"
        f"xc: info: XenStore: mfn {first:#x}, dom 0, evt 1\n"
        f"xc: info: Console: mfn {second:#x}, dom 0, evt 2\n"
    )


def transport_ended(pid: int, status: int) -> str:
    return (
        "libxl: info: libxl_exec.c:117:libxl_report_child_exitstatus: "
        f"migration transport process [{pid}] exited with error status {status}\n"
    )


def stream_broke(domid: int, helper: int, transport: int, status: int) -> str:
    """What the sender says when the stream breaks in mid-copy (78, 94)."""
    return (
        "libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading "
        f"ipc msg header from domain {domid} save/restore helper stdout pipe\n"
        "libxl: error: libxl_exec.c:127:libxl_report_child_exitstatus: "
        f"domain {domid} save/restore helper [{helper}] died due to fatal signal Broken pipe\n"
        "migration sender: libxl_domain_suspend failed (rc=-3)\n"
        + transport_ended(transport, status)
        + "Migration failed, resuming at sender.\n"
    )


def needless_resume(domid: int) -> str:
    """The frightening end: the guest never stopped, so it cannot be resumed (78, 94)."""
    return (
        f"xc: error: Dom {domid} not suspended: (shutdown 0, reason 255): Internal error\n"
        f"libxl: error: libxl_dom_suspend.c:666:domain_resume_done: Domain {domid}:"
        "xc_domain_resume failed: Invalid argument\n"
    )


def receiver_without_memory(domid: int) -> str:
    """78-migrate-no-memory."""
    return (
        "xc: error: Failed to populate physmap (16 = Device or resource busy): Internal error\n"
        "xc: error: Failed to populate pfns for batch of 1024 pages: Internal error\n"
        "xc: error: Restore failed (16 = Device or resource busy): Internal error\n"
        "libxl: error: libxl_stream_read.c:850:libxl__xc_domain_restore_done: "
        "restoring domain: Device or resource busy\n"
        + texts.cannot_build(domid)
        + texts.destruction_failed(domid)
        + CREATION_FAILED
    )


def _receiver_got_nothing(domid: int, wanted: str) -> str:
    return (
        f"xc: error: Failed to read {wanted} Header from stream (0 = Success): Internal error\n"
        + ("" if wanted == "Image" else "xc: error: Restore failed (0 = Success): Internal error\n")
        + "libxl: error: libxl_stream_read.c:850:libxl__xc_domain_restore_done: "
        "restoring domain: Success\n"
        + texts.cannot_build(domid)
        + texts.destruction_failed(domid)
        + CREATION_FAILED
    )


def no_logdirty(domid: int, incoming: int, transport: int) -> str:
    """A PV guest on a Xen without shadow paging (stock-pv-migrate)."""
    return (
        "xc: error: Failed to enable logdirty: 95,22,0 (22 = Invalid argument): Internal error\n"
        "xc: error: Save failed (22 = Invalid argument): Internal error\n"
        "libxl: error: libxl_stream_write.c:347:libxl__xc_domain_save_done: "
        f"Domain {domid}:saving domain: domain did not respond to suspend request: "
        "Invalid argument\n"
        "migration sender: libxl_domain_suspend failed (rc=-8)\n"
        + found("pv")
        + RESTORING
        + _receiver_got_nothing(incoming, "Record")
        + transport_ended(transport, 1)
        + "Migration failed, failed to suspend at sender.\n"
    )


def domain_0(incoming: int, transport: int) -> str:
    """83-migrate-dom0."""
    return (
        "xc: error: Failed to map shared info frame at mfn 0x7ffc7 (3 = No such process): "
        "Internal error\n"
        "xc: error: Save failed (3 = No such process): Internal error\n"
        "libxl: error: libxl_stream_write.c:347:libxl__xc_domain_save_done: "
        "saving domain: domain did not respond to suspend request: No such process\n"
        "migration sender: libxl_domain_suspend failed (rc=-8)\n"
        + _receiver_got_nothing(incoming, "Image")
        + transport_ended(transport, 1)
        + "Migration failed, failed to suspend at sender.\n"
    )
