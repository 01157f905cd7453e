"""Telling systemd how the bot is: ready, alive, stopping.

The protocol is sd_notify(3): a datagram of ``KEY=value`` lines to the socket that $NOTIFY_SOCKET
names.  Outside of a unit that asks for it there is no such socket, and nothing is told.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import structlog

from bot.core.pulse import Pulse
from bot.core.render import duration
from bot.i18n import _

_log = structlog.get_logger()

#: seconds between two looks until the bot is ready, and afterwards where no watchdog asks for more
_SOON, _CALM = 0.5, 30.0


class Systemd:
    """The service manager that started us and listens at *address*.

    It expects a sign of life each *watchdog* seconds, if that is not None.
    """

    def __init__(self, address: str, watchdog: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        #: seconds between two signs of life
        self.every = min(watchdog / 2, _CALM) if watchdog else _CALM
        self._ready = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Systemd | None:
        """The one that the *environment* of this process names."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return None
        wanted = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return cls(address, int(wanted) / 1e6 if wanted.isdecimal() and ours else None)

    def tell(self, *lines: str) -> None:
        """Send *lines* as one message; what nobody takes is let go."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
                wire.setblocking(False)
                wire.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            _log.warning("systemd not told", why=str(error))

    async def follow(self, pulse: Pulse) -> None:
        """Tell for ever how the loop with that *pulse* is."""
        while True:
            self.look(pulse)
            await asyncio.sleep(self.every if self._ready else min(self.every, _SOON))

    def look(self, pulse: Pulse) -> None:
        """Tell once.  There is no sign of life where the loop hangs: then systemd ends us."""
        lines = [f"STATUS={_status(pulse)}"]
        if pulse.silence is not None and not self._ready:
            self._ready = True
            lines.append("READY=1")
        if pulse.alive:
            lines.append("WATCHDOG=1")
        self.tell(*lines)


def _status(pulse: Pulse) -> str:
    if not pulse.alive:
        return _("the loop that listens to the homeserver hangs")
    if pulse.silence is None:
        return _("waiting for the homeserver")
    return _("last heard from the homeserver {ago} ago").format(ago=duration(pulse.silence))


@asynccontextmanager
async def told_to_systemd(
    pulse: Pulse, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[None]:
    """While the body runs, systemd is told how it is, where it wants to know."""
    systemd = Systemd.of(environment)
    if systemd is None:
        yield
        return
    following = asyncio.create_task(systemd.follow(pulse))
    try:
        yield
    finally:
        following.cancel()
        systemd.tell("STOPPING=1", "STATUS=" + _("stopping"))
        with suppress(asyncio.CancelledError):
            await following
