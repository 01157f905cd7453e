"""What a console can show, worst first, and what it is called."""

from __future__ import annotations

from enum import Enum

from bot.i18n import _


class Condition(Enum):
    """What a screen can show, worst first."""

    PANIC = "panic"
    FSCK = "fsck"
    EMERGENCY = "emergency"
    INITRAMFS = "initramfs"
    READ_ONLY = "read-only"
    IO_ERROR = "I/O error"
    OOPS = "oops"
    LOCKUP = "lockup"
    HUNG_TASK = "hung task"
    OOM = "out of memory"
    XEN_TIMEOUT = "Xen device time-out"
    ROOT_SESSION = "root session"
    SESSION = "session"
    PASSWORD = "password prompt"  # noqa: S105  (a name)
    QUESTION = "question"
    BOOT_MENU = "boot menu"
    LOGIN = "login prompt"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """How bad it is: 0 is the worst."""
        return list(Condition).index(self)

    @property
    def words(self) -> str:
        """What people call it."""
        return {
            Condition.PANIC: _("kernel panic"),
            Condition.FSCK: _("file system check waits"),
            Condition.EMERGENCY: _("emergency mode"),
            Condition.INITRAMFS: _("initramfs shell"),
            Condition.READ_ONLY: _("file system made read-only"),
            Condition.IO_ERROR: _("I/O errors"),
            Condition.OOPS: _("kernel oops"),
            Condition.LOCKUP: _("CPU locked up"),
            Condition.HUNG_TASK: _("hung task"),
            Condition.OOM: _("out of memory"),
            Condition.XEN_TIMEOUT: _("Xen device timed out"),
            Condition.ROOT_SESSION: _("root session left open"),
            Condition.SESSION: _("session left open"),
            Condition.PASSWORD: _("password prompt"),
            Condition.QUESTION: _("question"),
            Condition.BOOT_MENU: _("boot menu"),
            Condition.LOGIN: _("login prompt"),
            Condition.UNKNOWN: _("unknown"),
        }[self]

    @property
    def sign(self) -> str:
        """What stands before it in a line."""
        if self.rank <= Condition.IO_ERROR.rank:
            return "🔥"
        if self.rank <= Condition.SESSION.rank:
            return "⚠"
        return {Condition.LOGIN: "✅", Condition.UNKNOWN: "❔"}.get(self, "ℹ️")

    @property
    def typing_refused(self) -> bool:
        """Whether no key at all may be typed there: what is typed would be somebody's password."""
        return self is Condition.PASSWORD
