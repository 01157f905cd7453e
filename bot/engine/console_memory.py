"""What the bot read away at consoles that have no log: only it knows that now.

Attaching shows what nobody has read yet, and takes it away (field reference B.5).  So what came
last is kept for a while, in memory alone, and shown again with the time at which it was read.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from weakref import WeakValueDictionary

#: characters that are kept of each console, and consoles that are kept
KEPT, MOST = 64 * 1024, 500


@dataclass(frozen=True)
class Remembered:
    """What was read at one console so far, and when the last of it came."""

    text: str
    at: float


class ConsoleMemory:
    """By host, domain id and UUID: a guest that boots anew has a new console."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int, str], Remembered] = {}
        self._turns: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    def turn(self, host: str, domid: int) -> asyncio.Lock:
        """Held by whom of the bot's own is attached: Xen lets one in, and tells not which one."""
        lock = self._turns.get((host, domid)) or asyncio.Lock()
        self._turns[host, domid] = lock
        return lock

    def add(self, host: str, domid: int, uuid: str, text: str, now: float) -> Remembered | None:
        """Take in *text*, which was read *now*; all that is known there, None for nothing."""
        key = (host, domid, uuid)
        before = self._kept.pop(key, None)
        if text:
            known = Remembered((before.text if before else "") + text, now)
        elif before is None:
            return None
        else:
            known = before
        self._kept[key] = Remembered(known.text[-KEPT:], known.at)
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return self._kept[key]

    def known(self, host: str, domid: int, uuid: str) -> Remembered | None:
        """What was read so far; None where nothing was."""
        return self._kept.get((host, domid, uuid))
