"""`ntpq`, as ntpsec 1.2.2 of Debian 12 has it.

The forms are recorded (tests/data/clocks: ntpsec-1.2-*), but for a clock that ntpd has set: there
the status is as ntpq(1) has it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.devices.session import Output
from bot.lab.clocks.service import POLL, Server, Service

_DEAD = Output("", "***Socket error; probably ntpd is not running\n\n")
_HEAD = "     remote           refid      st t when poll reach   delay   offset   jitter\n"
_RULE = "=" * 79 + "\n"
#: between 1900 and 1970
_ERA = 2208988800
_WIDTH = 78


def ntpq(service: Service, words: tuple[str, ...]) -> Output:
    """The answer to `ntpq` with *words* (its own name left out)."""
    service.look()
    if not service.alive:
        return _DEAD
    if "rv" in words:
        return Output(_variables(service))
    if any(word.startswith("-") and "p" in word for word in words):
        return Output(_HEAD + _RULE + "".join(_row(service, one) for one in service.servers))
    return Output("", "ntpq: nothing to do\n", 1)


def _row(service: Service, server: Server) -> str:
    silent = server.heard is None
    ago = "-" if server.heard is None else str(int(service.piece.now() - server.heard) or "-")
    refid = ".INIT." if silent else "192.0.2.1" if server.stratum < 16 else ".STEP."
    delay, offset, jitter = (
        (0.0, 0.0, 0.0001) if silent else (server.delay * 1e3, 0.0 - server.sample * 1e3, 0.05)
    )
    return (
        f"{_tally(service, server)}{server.name[:15]:<15} {refid:<15} "
        f"{16 if silent else server.stratum:>2} u {ago:>4.4} {int(POLL):>4}  {server.reach:>3o} "
        f"{_eight(delay)} {_eight(offset)} {_eight(jitter)}\n"
    )


def _tally(service: Service, server: Server) -> str:
    chosen = service.chosen()
    if server not in service.usable() or not service.updates:
        return " "
    if server not in chosen:
        return "x"
    return "*" if server is chosen[0] else "+"


def _eight(value: float) -> str:
    """A number in eight places, with as many digits behind the point as there is room for."""
    for digits in (4, 3, 2, 1):
        if len(text := f"{value:8.{digits}f}") <= 8:
            return text
    return f"{value:8.0f}"


def _variables(service: Service) -> str:
    piece, server = service.piece, service.reference
    wall = piece.wall()
    if server is None:
        status = "status=c016 leap_alarm, sync_unspec, 1 event, restart"
        said = ["leap=11", "stratum=16", "precision=-23", "rootdelay=0.0", "rootdisp=3.5"]
        said += ["refid=INIT", "reftime=00000000.00000000 2036-02-07T06:28:16.000Z", "tc=0"]
        said += ["peer=0", "offset=0.0"]
    else:
        follows = server in service.chosen()
        status = (
            "status=0615 leap_none, sync_ntp, 1 event, clock_sync"
            if follows
            # what was said of the last one stays (recorded: two-rv)
            else "status=0018 leap_none, sync_unspec, 1 event, no_sys_peer"
        )
        said = ["leap=00", f"stratum={server.stratum + 1}", "precision=-23"]
        said += [f"rootdelay={server.delay * 1e3:.7g}", "rootdisp=1.5", f"refid={server.name}"]
        said += [f"reftime={_stamp(wall - piece.now() + service.referred)}", "tc=6"]
        said += [f"peer={17767 if follows else 0}", f"offset={0.0 - server.sample * 1e3:.7g}"]
    said += [f"frequency={0.0 - piece.learnt:.7g}", "sys_jitter=0.05", "clk_jitter=0.05"]
    said += [f"clock={_stamp(wall)}", 'processor="x86_64"', 'system="Linux/6.1.0-41-amd64"']
    said += ['version="ntpd ntpsec-1.2.2"', "clk_wander=0.001", "mintc=0"]
    return f"associd=0 {status},\n{wrapped(said)}\n"


def wrapped(pairs: list[str]) -> str:
    """*pairs* with commas between them, in lines of no more than 78 characters."""
    lines = [""]
    for place, pair in enumerate(pairs):
        piece = pair + ("," if place < len(pairs) - 1 else "")
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > _WIDTH:
            lines.append(piece)
        else:
            lines[-1] += f" {piece}" if lines[-1] else piece
    return "\n".join(lines)


def _stamp(wall: float) -> str:
    """A time as NTP counts it, in seconds since 1900 and their 2^32nds, and as people read it."""
    seconds = wall + _ERA
    read = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
    whole, part = int(seconds), int(seconds % 1 * 2**32)
    return f"{whole:08x}.{part:08x} {read.removesuffix('+00:00')}Z"
