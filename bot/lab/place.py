"""The state folder of a site process, and what lies where in it."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from bot.lab import standin

#: a unix socket's path has at most 107 bytes; the rest is for the longest name in it
_LONGEST = 80
#: commands that a script on a Dom0 may call and that only the world can answer
STAND_INS = ("sudo", "xl", "ps", "blockdev")


class Place:
    """The folders of one site."""

    def __init__(self, state: Path) -> None:
        self.state = state.resolve()
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._short: Path | None = None

    @property
    def sockets(self) -> Path:
        """Where the unix sockets are: the state folder, or a short path where that is too long."""
        if len(str(self.state).encode()) <= _LONGEST:
            return self.state
        if self._short is None:
            self._short = Path(tempfile.mkdtemp(prefix="nounou-lab-"))
        return self._short

    @property
    def control(self) -> Path:
        return self.sockets / "control.sock"

    def socket(self, host: str) -> Path:
        """Where the stand-ins of *host* find the world."""
        return self.sockets / f"{host}.sock"

    def root(self, host: str) -> Path:
        """All that belongs to *host*; its processes carry this path in their environment."""
        return self.state / "hosts" / host

    def home(self, host: str) -> Path:
        return self.root(host) / "home"

    def environment(self, host: str) -> dict[str, str]:
        """What a command that is really run on *host* finds in its environment."""
        return {
            "HOME": str(self.home(host)),
            "PATH": f"{self.root(host) / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "USER": USER,
            "LOGNAME": USER,
            "LANG": "C.UTF-8",
            MARK: str(self.root(host)),
        }

    def furnish(self, host: str) -> None:
        """Make the folders of *host* and its stand-ins."""
        self.home(host).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.root(host) / "bin"
        folder.mkdir(exist_ok=True)
        for name in STAND_INS:
            words = (sys.executable, "-S", "-E", standin.__file__, self.socket(host), name)
            line = shlex.join(str(word) for word in words)
            script = folder / name
            script.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
            script.chmod(0o755)

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a file of the state folder at once and whole."""
        path = self.state / name
        aside = path.with_name(f".{name}.new")
        aside.touch(mode)
        aside.write_text(text)
        aside.rename(path)
        return path

    def clear(self) -> None:
        """Remove what must not stay when the site ends."""
        for path in self.sockets.glob("*.sock"):
            path.unlink(missing_ok=True)
        (self.state / "site.json").unlink(missing_ok=True)
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)


#: the Unix user as whom the bot logs in to every Dom0
USER = "nounou"
#: marks the real processes that belong to a Dom0 of this site
MARK = "NOUNOU_LAB_DOM0"
