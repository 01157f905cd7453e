"""`chronyc`, as chrony 4.3 of Debian 12 has it (tests/data/clocks: the forms are recorded)."""

from __future__ import annotations

import asyncio
import ipaddress
import zlib

from bot.devices.session import Output
from bot.lab.clocks.service import Server, Service

_DEAD = Output("506 Cannot talk to daemon\n", exit=1)
_DENIED = Output("501 Not authorised\n", exit=1)
_DONE = Output("200 OK\n")
_UNKNOWN = Output("", "Unrecognized command\n", 1)
#: as the exchange has it where there is nothing
_NEVER = 4294967295


async def chronyc(service: Service, words: tuple[str, ...], *, root: bool) -> Output:
    """The answer to `chronyc` with *words* (its own name left out)."""
    service.look()
    terse = "-c" in words
    words = tuple(word for word in words if not word.startswith("-"))
    match words:
        case ("tracking",) if terse:
            return Output(_tracking(service)) if service.alive else _DEAD
        case ("sources",) if terse:
            return Output(_sources(service)) if service.alive else _DEAD
        case ("waitsync", *limits):
            return await _wait(service, [float(limit) for limit in limits])
        case ("burst", _) | ("makestep",) if not service.alive:
            return _DEAD
        case ("burst", _) | ("makestep",) if not root:
            return _DENIED
        case ("burst", _):
            service.burst()
            return _DONE
        case ("makestep",):
            service.make_step()
            return _DONE
    return _UNKNOWN


def _tracking(service: Service) -> str:
    piece, server = service.piece, service.reference
    if server is None:
        return (
            "00000000,,0"
            + ",0.000000000" * 4
            + ",0.000" * 3
            + (",1.000000000,1.000000000,0.0,Not synchronised\n")
        )
    # when it was set, by the machine's own clock
    set_at = piece.wall() - (piece.now() - service.referred)
    idle = piece.now() - service.referred
    # field 5 says how far the clock is *behind*: positive is slow
    return (
        f"{_id(server)},{server.name},{server.stratum + 1},{set_at:.9f},"
        f"{0.0 - piece.correction:.9f},{server.sample:.9f},{abs(server.sample):.9f},"
        f"{piece.learnt:.3f},0.000,0.050,{server.delay:.9f},{0.001 + idle * 1e-6:.9f},64.2,Normal\n"
    )


def _sources(service: Service) -> str:
    usable, chosen = service.usable(), service.chosen()
    rows = []
    for server in service.servers:
        if server.heard is None:
            rows.append(
                f"^,?,{server.name},0,6,{server.reach:o},{_NEVER}" + ",0.000000000" * 3 + "\n"
            )
            continue
        ago = int(service.piece.now() - server.heard)
        # without what is being slewed away by now
        adjusted = server.sample - service.piece.correction
        rows.append(
            f"^,{_state(server, service, usable, chosen)},{server.name},{server.stratum},6,"
            f"{server.reach:o},{ago},{adjusted:.9f},{server.sample:.9f},{server.bound:.9f}\n"
        )
    return "".join(rows)


def _state(server: Server, service: Service, usable: list[Server], chosen: list[Server]) -> str:
    if server not in usable or not service.updates:
        return "?"
    if server not in chosen:
        return "x"
    return "*" if server is chosen[0] else "+"


async def _wait(service: Service, limits: list[float]) -> Output:
    """`waitsync [TRIES [CORRECTION [SKEW [INTERVAL]]]]`; each of them 0: not limited."""
    tries, most, _skew, interval = (*limits, *(0.0, 0.0, 0.0, 10.0)[len(limits) :])
    said, number = "", 0
    while True:
        number += 1
        if service.alive:
            service.piece.settle()
            off, server = abs(service.piece.correction), service.reference
            known = _id(server) if server else "00000000"
            said += f"try: {number}, refid: {known}, correction: {off:.9f}, skew: 0.050\n"
            if server is not None and (not most or off <= most):
                return Output(said)
        else:
            said += _DEAD.stdout
        if number == tries:
            return Output(said, exit=1)
        await asyncio.sleep(interval or 10.0)


def _id(server: Server) -> str:
    """A server's address as a number; of IPv6 and of names a hash of it."""
    try:
        return f"{int(ipaddress.IPv4Address(server.name)):08X}"
    except ValueError:
        return f"{zlib.crc32(server.name.encode()):08X}"
