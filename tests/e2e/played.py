"""`nounou demo` as a process, and what it printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DEMO = (sys.executable, "-P", "-m", "bot", "demo")


class Demo:
    """One demonstration with pipes for its streams."""

    def __init__(self, folder: Path, *options: str, script: str = "") -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*DEMO, "--state", str(folder), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            text=True,
        )
        self._script = script

    def end(self) -> tuple[int, list[str], str]:
        """Exit code, transcript, and what the demonstration said of itself."""
        out, err = self.process.communicate(self._script, timeout=240)
        return self.process.returncode, out.splitlines(), err


def play(folder: Path, *options: str, script: str) -> tuple[int, list[str], str]:
    return Demo(folder, *options, "--script", "-", script=script).end()
