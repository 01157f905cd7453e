"""`ntpq`, as ntpsec 1.2.2 of Debian 12 has it.

The columns are those of its own `ntp.util.PeerSummary`, what it says without a daemon is recorded;
the values of `rv` are from the manual (ntpq(1)).
"""

from __future__ import annotations

from bot.devices.session import Output
from bot.lab.clocks.service import POLL, Server, Service

_DEAD = Output("", "***Socket error; probably ntpd is not running\n\n")
_HEAD = "     remote           refid      st t when poll reach   delay   offset   jitter\n"
_RULE = "=" * 79 + "\n"
#: between 1900 and 1970
_ERA = 2208988800


def ntpq(service: Service, words: tuple[str, ...]) -> Output:
    """The answer to `ntpq` with *words* (its own name left out)."""
    service.piece.settle()
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
        (0.0, 0.0, 0.0001) if silent else (server.delay * 1e3, -server.sample * 1e3, 0.05)
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
    clock, reference = _stamp(piece.wall()), _stamp(piece.wall() - piece.now() + service.referred)
    offset = 0.0
    if server is None or not service.usable():
        status = "status=c016 leap_alarm, sync_unspec, 1 event, restart,"
        state = "leap=11, stratum=16, precision=-24, rootdelay=0.0, rootdisp=3.5, refid=INIT,"
        reference = "0000000000.00000000"
    else:
        status = "status=0615 leap_none, sync_ntp, 1 event, clock_sync,"
        offset = -server.sample * 1e3
        state = (
            f"leap=00, stratum={server.stratum + 1}, precision=-24, "
            f"rootdelay={server.delay * 1e3:.3f}, rootdisp=1.500, refid={server.name},"
        )
    return (
        f"associd=0 {status}\n{state}\nreftime={reference}, tc=6, peer=21042, "
        f"offset={offset:.6f}, frequency={-piece.learnt:.6f},\n"
        f"sys_jitter=0.050000, clk_jitter=0.050, clock={clock},\n"
        'processor="x86_64", system="Linux/6.1.0-41-amd64", version="ntpd ntpsec-1.2.2",\n'
        "clk_wander=0.001, tai=37, leapsec=2017-01-01T00:00Z, expire=2026-12-28T00:00Z,\n"
        "mintc=0\n"
    )


def _stamp(wall: float) -> str:
    """A time as NTP counts it: seconds since 1900 and their 2^32nds."""
    seconds = wall + _ERA
    return f"{int(seconds):08x}.{int(seconds % 1 * 2**32):08x}"
