"""What time services of Debian 12 printed, read from ``tests/data/clocks``."""

from __future__ import annotations

import json
from pathlib import Path

from bot.core.time_service import Standing, TimeService
from bot.devices.session import Output

FOLDER = Path(__file__).parent.parent / "data" / "clocks"
SHOW = "systemctl show --property=LoadState --property=ActiveState --"
#: a shell without the command
MISSING = Output("", "sh: 1: not found\n", 127)


def recorded(name: str) -> Output:
    content = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return Output(content["stdout"], content["stderr"], content["exit"])


def units_said(*states: str) -> Output:
    """From the manual: systemctl(1), show with several units."""
    pairs = [state.split("/") for state in states]
    return Output("\n".join(f"LoadState={load}\nActiveState={now}\n" for load, now in pairs))


def standings(service: TimeService | None) -> list[Standing]:
    """How *service* holds each of its sources."""
    assert service is not None
    return [source.standing for source in service.sources]
