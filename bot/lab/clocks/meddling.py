"""What who drives the lab does to its clocks and its links: docs/lab.md lists the requests."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from bot.lab.clocks.link import Link
from bot.lab.clocks.service import Service
from bot.lab.clocks.timepiece import Timepiece
from bot.lab.faults import UnknownFault
from bot.lab.world import World

#: no number of a request is larger, in seconds or in ppm
_MOST = 1e9
#: seconds that the way to a machine may take
_LONGEST = 600.0


def clock(world: World, request: dict[str, Any]) -> None:
    """Do one thing to the clock of the machine `where`; raises `UnknownFault`."""
    piece = world.timepieces[_machine(world, request)]
    wanted = [name for name in CLOCKS if name in request]
    if len(wanted) != 1:
        raise UnknownFault(f"a clock takes one of {', '.join(CLOCKS)} at a time")
    CLOCKS[wanted[0]](piece, request)


def link(world: World, request: dict[str, Any]) -> None:
    """Let the way to the machine `where` be as *request* says; raises `UnknownFault`."""
    name = _machine(world, request)
    delay, jitter = (_number(request, key, 0.0, 0.0, _LONGEST) for key in ("delay", "jitter"))
    world.links[name] = Link(delay, jitter, _number(request, "there", 0.5, 0.0, 1.0))


def _machine(world: World, request: dict[str, Any]) -> str:
    name = request["where"]
    if name not in world.timepieces:
        raise UnknownFault(f"no host and no guest is called {name!r}")
    return str(name)


def _number(
    request: dict[str, Any], key: str, default: float, least: float = -_MOST, most: float = _MOST
) -> float:
    value = request.get(key, default)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least <= value <= most:
        raise UnknownFault(f"{key} is no number from {least:g} to {most:g}: {value!r}")
    return float(value)


def _stray(piece: Timepiece, request: dict[str, Any]) -> None:
    times = int(_number(request, "times", 1, 1, 1e6))
    piece.stray(_number(request, "stray", 0.0), times)


def _service_of(piece: Timepiece) -> Service:
    if piece.service is None:
        raise UnknownFault("no time service keeps this clock")
    return piece.service


def _service(piece: Timepiece, request: dict[str, Any]) -> None:
    service = _service_of(piece)
    if request["service"] not in ("dead", "alive"):
        raise UnknownFault("a time service is dead or alive")
    service.alive = request["service"] == "alive"


def _server(piece: Timepiece, request: dict[str, Any]) -> None:
    """Let one server of the time service, by its `name`, or every one be as is said."""
    said = dict(request["server"])
    name = said.pop("name", None)
    servers = [
        server for server in _service_of(piece).servers if name is None or server.name == name
    ]
    if not servers:
        raise UnknownFault(f"this clock's service asks no server called {name!r}")
    if not said or not said.keys() <= {"answers", "offset", "stratum"}:
        raise UnknownFault("a server has answers, offset and stratum")
    answers = said.get("answers", True)
    if not isinstance(answers, bool):
        raise UnknownFault("answers is true or false")
    for server in servers:
        if "answers" in said:
            server.answers = answers
        if "offset" in said:
            server.offset = _number(said, "offset", 0.0)
        if "stratum" in said:
            server.stratum = int(_number(said, "stratum", 2, 1, 15))


def _moved(piece: Timepiece, request: dict[str, Any]) -> None:
    piece.moved_by = _number(request, "moved", 0.0)


def _clocksource(piece: Timepiece, request: dict[str, Any]) -> None:
    name = request["clocksource"]
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_-]{1,31}", name):
        raise UnknownFault("clocksource is a word, as the kernel has it")
    piece.clocksource = name


def _independent(piece: Timepiece, request: dict[str, Any]) -> None:
    if request["independent"] not in ("no", "yes", "unknown"):
        raise UnknownFault("a clock is independent: no, yes, or unknown to its kernel")
    piece.independent = {"no": False, "yes": True}.get(request["independent"])


#: what can be done to a clock, by the key of the request
CLOCKS: dict[str, Callable[[Timepiece, dict[str, Any]], None]] = {
    "clocksource": _clocksource,
    "drift": lambda piece, request: piece.drift(_number(request, "drift", 0.0)),
    "independent": _independent,
    "moved": _moved,
    "server": _server,
    "service": _service,
    "step": lambda piece, request: piece.step(_number(request, "step", 0.0)),
    "stray": _stray,
}
