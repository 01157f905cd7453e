"""Faults by name: what goes wrong, where, for which command, how often."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

#: faults of a wire, which any command of the bot may meet
REFUSE, HANG, DROP, GARBLE, SLOW = "refuse", "hang", "drop-after-send", "garble", "slow"
#: faults of a migration, met on the way
OUT_OF_MEMORY, NAME_TAKEN = "out-of-memory", "name-taken"
HANDOVER_FAILURE, HANDOVER_LOST, CUT = "handover-failure", "handover-lost", "cut"
UNKNOWN_KEY, NO_PERMISSION = "unknown-host-key", "no-permission"
#: faults of a destruction: xl gives up and the guest goes on; it dies and is never gone
DESTROY_FAILURE, ZOMBIE = "destroy-failure", "zombie"
#: faults of an iLO: it belongs to another server; somebody else has the serial port
ILO_OTHER_SERVER, ILO_VSP_BUSY = "ilo-other-server", "ilo-vsp-busy"
#: what happens at once and is not kept
KILL_HOST, HANG_HOST, REVIVE = "kill-host", "hang-host", "revive"
MISSING_LINK, STALE_LINK = "missing-link", "stale-link"

KEPT = frozenset(
    {REFUSE, HANG, DROP, GARBLE, SLOW}
    | {OUT_OF_MEMORY, NAME_TAKEN, HANDOVER_FAILURE, HANDOVER_LOST, CUT, UNKNOWN_KEY, NO_PERMISSION}
    | {DESTROY_FAILURE, ZOMBIE, ILO_OTHER_SERVER, ILO_VSP_BUSY}
)
AT_ONCE = frozenset({KILL_HOST, HANG_HOST, REVIVE, MISSING_LINK, STALE_LINK})


class UnknownFault(Exception):
    """There is no fault of that name, or not there."""


@dataclass
class Fault:
    """One fault; an empty `where` or `match` is anywhere or anything, `times` None is always."""

    name: str
    where: str = ""
    match: str = ""
    times: int | None = None

    def hits(self, name: str, where: str, text: str) -> bool:
        return self.name == name and self.where in ("", where) and self.match in text


class Faults:
    """The faults that are set now."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._cleared = asyncio.Event()

    def add(self, fault: Fault) -> None:
        if fault.name not in KEPT:
            raise UnknownFault(f"no fault is called {fault.name!r}")
        self._set.append(fault)

    def clear(self) -> None:
        """Take every fault away; what hangs goes on."""
        self._set.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    def take(self, name: str, where: str, text: str = "") -> bool:
        """Whether the fault *name* strikes now; counts it."""
        for fault in self._set:
            if fault.hits(name, where, text):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._set.remove(fault)
                return True
        return False

    def standing(self, name: str, where: str) -> bool:
        """Whether the fault *name* is set for all of *where*; counts nothing."""
        return any(fault.hits(name, where, "") for fault in self._set)

    def lift(self, name: str, where: str) -> None:
        """Take the fault *name* away that is set for all of *where*."""
        self._set = [fault for fault in self._set if not fault.hits(name, where, "")]

    def listing(self) -> list[dict[str, Any]]:
        """What is set, for the control socket."""
        return [asdict(fault) for fault in self._set]

    async def cleared(self) -> None:
        """Wait for the next `clear`: how long a hanging command hangs."""
        await self._cleared.wait()


def read_fault(text: str) -> Fault:
    """A fault as the command line writes it: ``NAME[:WHERE[:MATCH]]``."""
    name, _, rest = text.partition(":")
    where, _, match = rest.partition(":")
    return Fault(name, where, match)


def garble(answer: bytes) -> bytes:
    """*answer* as a bad line leaves it: bytes flipped, some lost, and noise at its end."""
    mixed = bytes(byte ^ 0x55 if place % 3 == 1 else byte for place, byte in enumerate(answer))
    return mixed[: max(1, len(mixed) * 2 // 3)] + b"\x1b[2J\x00\xff\xfe"
