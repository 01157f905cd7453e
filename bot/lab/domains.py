"""Domains: guests that exist on a host now, and what their six state letters say."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from enum import Enum

from bot.lab.guests import Guest


class Life(Enum):
    """What a domain is doing."""

    ALIVE = "alive"
    #: paused by hand, or just created and not started yet
    PAUSED = "paused"
    INCOMING = "being received"
    #: sent, and stopped for good or until it is resumed
    SUSPENDED = "suspended"
    #: shut down, its devices closing
    CLOSING = "closing"
    #: being destroyed: stopped for good, its devices closing
    DOOMED = "doomed"
    #: destroyed, and not gone while something still holds pages of it
    DYING = "dying"
    #: its kernel gave up, and its configuration keeps what is left
    CRASHED = "crashed"


#: 60-pause, 90-during-migration, 96-shutdown; of a destruction: libxl_domain.c, of a
#: crash: xl_info.c; neither is recorded
_LETTERS = {
    Life.PAUSED: "--p---",
    Life.INCOMING: "--p---",
    Life.SUSPENDED: "---ss-",
    Life.CLOSING: "--ps--",
    Life.DOOMED: "--p---",
    Life.DYING: "--p--d",
    Life.CRASHED: "---sc-",
}

#: CPU seconds that a guest burns in a second of life
_RATE = 0.02


@dataclass
class Domain:
    """One domain of one host; `memory` is what it has now, in MiB."""

    domid: int
    guest: Guest
    name: str
    memory: int
    life: Life
    born: float
    #: the WWN behind each disk when it was opened
    volumes: dict[str, str] = field(default_factory=dict)
    _burnt: float = 0.0
    _since: float = 0.0

    def live(self, life: Life, now: float) -> None:
        """Go over to *life*; CPU time is counted while alive."""
        self._burnt = self.cpu_seconds(now)
        self._since = now
        self.life = life

    def cpu_seconds(self, now: float) -> float:
        """CPU seconds so far."""
        alive = now - self._since if self.life is Life.ALIVE else 0.0
        return self._burnt + alive * _RATE * self.guest.vcpus

    def letters(self, now: float) -> str:
        """The six letters; while alive they flicker between running, idle and waiting for a CPU."""
        if self.life is not Life.ALIVE:
            return _LETTERS[self.life]
        if self.domid == 0:
            return "r-----"
        luck = zlib.crc32(f"{self.guest.uuid} {int(now * 2)}".encode()) % 16
        return "r-----" if luck < 3 else "------" if luck == 3 else "-b----"

    @property
    def runs(self) -> bool:
        """Whether the guest runs here, or would at a word: not suspended, not being received."""
        return self.life in {Life.ALIVE, Life.PAUSED}
