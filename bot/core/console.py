"""What a console says of its guest, read off its screen.  No I/O here.

Kernel messages are printed over prompts at any time, so everything that is there is told, worst
first, each with the line that shows it.  What is not sure is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.core.screen import Screen


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


@dataclass(frozen=True)
class Notice:
    """One thing that a screen shows."""

    condition: Condition
    #: the line that shows it, as it was printed
    evidence: str
    #: what it is about: a process, a device, a user; empty where the line does not say
    about: str = ""


def examine(screen: Screen) -> tuple[Notice, ...]:
    """Everything that *screen* shows, worst first; where nothing is sure, `Condition.UNKNOWN`."""
    return (Notice(Condition.UNKNOWN, screen.cursor_line),)
