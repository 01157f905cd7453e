"""What differs between the iLOs of the lab: how each names itself, and what it speaks.

Banners, versions and dates are those of public transcripts (reference D).  That the iLO 2 leaves
the date out is read off a public parser of its answers (noc's HP.iLO2 profile skips five lines),
and that it wraps long lines off a fixture of its version 1.78.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Generation:
    """One generation of iLO, in the server that it came with."""

    #: as the first line after the login has it
    banner: str
    firmware: tuple[str, ...]
    server: str
    #: each answer carries the time
    dated: bool
    #: columns after which a long property goes on in the next line; 0: never
    wraps: int
    #: the first lines of the serial port
    vsp: str
    #: it speaks only what ssh spoke in 2005
    old_algorithms: bool
    #: ssh sessions at once (the lab's numbers: a real one has few)
    sessions: int


#: of iLO 3 to 5 in transcripts; of older ones with the port's address, and the prompt too early
_PORT = (
    "\r\nVirtual Serial Port Active: COM2\r\n\r\nStarting virtual serial port.\r\n"
    "Press 'ESC (' to return to the CLI Session.\r\n\r\n"
)
_OLD_PORT = (
    "\r\nStarting virtual serial port.\r\nPress 'ESC (' to return to the CLI Session.\r\n\r\n"
    "</>hpiLO-> Virtual Serial Port active: IO=0x02F8 INT=3\r\n"
)

GENERATIONS = {
    2: Generation(
        banner="iLO 2 Advanced 2.29 at 15:43:13 Jul 16 2015",
        firmware=("version=2.29", "date=Jul 16 2015"),
        server="ProLiant DL360 G5",
        dated=False,
        wraps=66,
        vsp=_OLD_PORT,
        old_algorithms=True,
        sessions=2,
    ),
    4: Generation(
        banner="iLO 4 Advanced 2.77 at  Dec 07 2020",
        firmware=("version=2.77", "date=Dec 07 2020", "name=iLO 4"),
        server="ProLiant DL360p Gen8",
        dated=True,
        wraps=0,
        vsp=_PORT,
        old_algorithms=False,
        sessions=4,
    ),
}
