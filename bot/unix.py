"""What is Unix's own: sockets at paths of any length, the names of users."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: what fits into the address of a socket (unix(7), sun_path without its last byte)
_LONGEST = 107
#: what the name of a user looks like; there are hosts on which it may look otherwise
USER = r"[a-z_][a-z0-9_-]{0,31}\$?"


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """A name of *path* that a socket can be bound or connected to, while the block lasts.

    Raises `OSError` where the folder of *path* cannot be reached.
    """
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
