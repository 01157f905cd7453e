"""What a command may do at worst."""

from __future__ import annotations

from enum import IntEnum


class Risk(IntEnum):
    """The classes of commands, in rising order."""

    READS = 0
    CHANGES = 1
    INTERRUPTS = 2
    DESTROYS = 3
