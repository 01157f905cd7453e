"""What the guests of the lab print, and how the texts kept beside this file are read.

In a text ``[T]`` is the uptime that the kernel puts before its lines; ``@NAME@``
is the guest's name, ``\\e`` an escape, ``\\r`` a carriage return.  The line feed at its end is no
part of it, so that a prompt can be its last line.
"""

from __future__ import annotations

from importlib.resources import files

#: seconds between two kernel lines of a text
_STEP = 0.000137


def text(name: str, guest: str, uptime: float) -> bytes:
    """The text *name* as *guest* prints it, up for *uptime* seconds."""
    found = files(__package__).joinpath("words", f"{name}.txt").read_text(encoding="utf-8")
    return dressed(found.removesuffix("\n"), guest, uptime)


def dressed(plain: str, guest: str, uptime: float) -> bytes:
    """*plain* with the guest's name and uptime, as a terminal line gets it."""
    lines = []
    for line in plain.replace("@NAME@", guest).split("\n"):
        if "[T]" in line:
            line = line.replace("[T]", f"[{uptime:12.6f}]")
            uptime += _STEP
        lines.append(line.replace("\\e", "\x1b").replace("\\r", "\r").replace("\\a", "\a"))
    return "\r\n".join(lines).encode()
