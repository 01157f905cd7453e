"""The logs of one host's consoles, as `xenconsoled --log=guest --timestamp=guest` writes them."""

from __future__ import annotations

import time

from bot.lab.clock import Clock

#: Debian's folder; only root and the group adm may look into it
FOLDER = "/var/log/xen/console"


class GuestLog:
    """One file: `text` is what is in it, `changed` when it was last written, since 1970."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.changed = 0.0


class ConsoleLogs:
    """Every log of one host, by path.

    Whether the next line gets a time before it is one flag for all guests together: after the
    prompt of one, the next line of another has none (xen tools/console/daemon/io.c).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, GuestLog] = {}
        self._begins = True

    def find(self, path: str) -> GuestLog | None:
        return self._files.get(path)

    def open(self, name: str) -> GuestLog:
        """Begin, or go on with, the log of the domain that is called *name* now."""
        log = self._files.setdefault(f"{FOLDER}/guest-{name}.log", GuestLog())
        self.write(log, b"Logfile Opened\n")
        return log

    def write(self, log: GuestLog, data: bytes) -> None:
        """Add what a guest printed, with the time before each line (UTC)."""
        if not data:
            return
        log.changed = self._clock.wall()
        stamp = time.strftime("[%Y-%m-%d %H:%M:%S] ", time.gmtime(log.changed)).encode()
        for number, line in enumerate(_lines(data)):
            # the carriage returns that follow a line feed are left out
            rest = line.lstrip(b"\r") if number else line
            if not rest:
                continue
            log.text += (stamp if self._begins else b"") + rest
            self._begins = rest.endswith(b"\n")


def _lines(data: bytes) -> list[bytes]:
    """*data* in pieces that end with a line feed, but for the last."""
    pieces = data.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + pieces[-1:]
