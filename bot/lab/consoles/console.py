"""The console of one domain: what was printed and not read yet, who is attached, the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.lab.consoles.log import ConsoleLogs, GuestLog

#: how much a console keeps that nobody reads (libxl's LIBXL_XENCONSOLE_LIMIT)
LIMIT = 1048576
#: bytes that a guest can have on their way to the host (xen/include/public/io/console.h)
RING = 2048


class Console:
    """What `xenconsoled` holds of one domain, from its start to its end."""

    def __init__(self, logs: ConsoleLogs | None) -> None:
        self._logs = logs
        self._log: GuestLog | None = None
        self._unread = bytearray()
        self._reader: Callable[[bytes], None] | None = None
        #: told what is typed
        self.keyboard: Callable[[bytes], None] | None = None
        #: the domain is gone
        self.closed = asyncio.Event()

    def open(self, name: str) -> None:
        """The ring is there: the log begins, under the name that the domain has now."""
        if self._logs is not None:
            self._log = self._logs.open(name)

    @property
    def held(self) -> bool:
        """Whether a client is attached."""
        return self._reader is not None

    def attach(self, reader: Callable[[bytes], None]) -> None:
        """Give *reader* what nobody has read, and all that comes."""
        self._reader = reader
        if self._unread:
            reader(bytes(self._unread))
            self._unread.clear()

    def detach(self) -> None:
        self._reader = None

    def print(self, data: bytes) -> None:
        """What the guest prints; it comes in pieces of the ring's size."""
        if not self.closed.is_set():
            for start in range(0, len(data), RING):
                self._come(data[start : start + RING])

    def _come(self, data: bytes) -> None:
        if self._logs is not None and self._log is not None:
            self._logs.write(self._log, data)
        if self._reader is not None:
            self._reader(data)
            return
        self._unread += data
        if len(self._unread) > LIMIT * 5 // 4:
            # the beginning and the end are kept (xen tools/console/daemon/io.c)
            del self._unread[LIMIT // 2 : LIMIT]

    def type(self, data: bytes) -> None:
        """What an attached client types."""
        if self.keyboard is not None and not self.closed.is_set():
            self.keyboard(data)

    def close(self) -> None:
        """The domain is gone, and the client that was attached ends."""
        self.closed.set()
