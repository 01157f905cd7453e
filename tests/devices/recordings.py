"""What two real Xen 4.17 hosts printed, read from ``tests/data/xen-4.17``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bot.devices.session import Output

FOLDER = Path(__file__).parent.parent / "data" / "xen-4.17"


@dataclass(frozen=True)
class Recording:
    """One command on a real host, with what it printed."""

    name: str
    command: str
    output: Output


def recording(name: str) -> Recording:
    content = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    output = Output(content["stdout"], content["stderr"], content["exit"])
    return Recording(name, content["command"], output)


def recordings() -> list[Recording]:
    return [recording(path.stem) for path in sorted(FOLDER.glob("*.json"))]
