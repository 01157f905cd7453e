"""A server's serial port: what its firmware and its system print there, and who looks at it.

What was printed since the power came is shown to who comes; a real port shows less, often nothing
until a key is pressed.  The lines of the system are Debian's and Linux's forms, from memory.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.power import Turn

#: signs that are kept
_KEPT = 16_000

_POST = """\
ProLiant System BIOS - P58 (08/03/2014)
Copyright 1982, 2014 Hewlett-Packard Development Company, L.P.

Attempting Boot From Hard Drive (C:)
Loading Xen 4.17-amd64 ...
Loading Linux 6.1.0-41-amd64 ...
Loading initial ramdisk ...
[    0.000000] Linux version 6.1.0-41-amd64 (debian-kernel@lists.debian.org)
[    0.000000] Command line: placeholder root=/dev/sda1 ro console=ttyS1,115200n8
[    2.104471] scsi host0: hpsa
"""
_UP = """\
[   14.220913] iscsi: registered transport (tcp)
[  OK  ] Started iscsid.service - iSCSI initiator daemon.
[  OK  ] Finished xen.service - LSB: Xen daemons.
[  OK  ] Reached target multi-user.target - Multi-User System.
"""
_DOWN = """\

         Stopping xendomains.service - LSB: Start/stop secondary xen domains...
[  OK  ] Stopped target multi-user.target - Multi-User System.
"""
_HANG = """\

[300012.402113] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [kworker/0:1:1042]
[300012.402150] CPU: 0 PID: 1042 Comm: kworker/0:1 Not tainted 6.1.0-41-amd64 #1 Debian
[300012.402188] Kernel panic - not syncing: softlockup: hung tasks
[300012.402301] ---[ end Kernel panic - not syncing: softlockup: hung tasks ]---
"""


class SerialPort:
    """The serial port of the server *host*."""

    def __init__(self, host: str) -> None:
        self._login = f"\r\nDebian GNU/Linux 12 {host} ttyS1\r\n\r\n{host} login: "
        self._answers = True
        #: what stands there now
        self.text = ""
        #: told what is printed from now on
        self.listeners: list[Callable[[str], None]] = []
        self.turn(Turn.ON)
        self.turn(Turn.BOOTED)

    def turn(self, turn: Turn) -> None:
        """Show what *turn* leaves on the port."""
        self._answers = turn is Turn.BOOTED
        if turn in (Turn.ON, Turn.OFF, Turn.RESET):
            self.text = ""
        if turn in (Turn.ON, Turn.RESET):
            self._print(_lines(_POST))
        elif turn is Turn.BOOTED:
            self._print(_lines(_UP) + self._login)
        elif turn is Turn.STOPPING:
            self._print(_lines(_DOWN))
        elif turn is Turn.HUNG:
            self._print(_lines(_HANG))

    def type(self, key: str) -> None:
        """A key for the system: echoed, and Enter brings the prompt again where it answers."""
        if self._answers:
            self._print("\r\n" + self._login if key == "\r" else key)

    def _print(self, text: str) -> None:
        self.text = (self.text + text)[-_KEPT:]
        for listener in tuple(self.listeners):
            listener(text)


def _lines(text: str) -> str:
    return text.replace("\n", "\r\n")
