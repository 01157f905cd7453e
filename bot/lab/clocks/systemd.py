"""`timedatectl` and `systemctl` of systemd 252 (Debian 12), as far as clocks are concerned.

`timedatectl` is held to recordings (tests/data/clocks: timesyncd-252-*); `systemctl`, and what
`timedatectl` says without timesyncd, is from systemd's manual and source.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.devices.session import Output
from bot.lab.clocks.service import Server, Service
from bot.lab.clocks.timepiece import Timepiece

#: what else a unit is called
_ALIASES = {"chronyd": "chrony", "ntp": "ntpsec", "ntpd": "ntpsec"}


def systemctl(piece: Timepiece, words: tuple[str, ...], *, root: bool) -> Output:
    """`systemctl show|is-active|start|stop|restart UNIT…`; no unit but the service's is there."""
    verb, names = words[0] if words else "", _plain(words[1:])
    units = [name.removesuffix(".service") for name in names]
    if verb == "show":
        return Output("\n".join(_shown(piece, unit, _asked(words)) for unit in units))
    if not units:
        return Output("", "Too few arguments.\n", 1)
    unit, service = units[0], piece.service
    if not _has(service, unit):
        service = None
    if verb == "is-active":
        active = service is not None and service.alive
        return Output("active\n") if active else Output("inactive\n", exit=3)
    if verb not in {"start", "stop", "restart"}:
        return Output("", f"Unknown command verb {verb}.\n", 1)
    if not root:
        asked = f"Failed to {verb} {unit}.service: Interactive authentication required.\n"
        return Output(
            "", f"{asked}See system logs and 'systemctl status {unit}.service' for details.\n", 1
        )
    if service is None:
        return Output("", f"Failed to {verb} {unit}.service: Unit {unit}.service not found.\n", 5)
    if verb != "start" and service.alive:
        service.alive = False
    if verb != "stop":
        service.alive = True
    return Output("")


def _has(service: Service | None, unit: str) -> bool:
    return service is not None and service.manner.unit == _ALIASES.get(unit, unit)


def _shown(piece: Timepiece, unit: str, properties: list[str]) -> str:
    service = piece.service
    here = _has(service, unit)
    active = here and service is not None and service.alive
    known = {
        "LoadState": "loaded" if here else "not-found",
        "ActiveState": "active" if active else "inactive",
        "SubState": "running" if active else "dead",
    }
    return "".join(f"{name}={value}\n" for name, value in known.items() if name in properties)


def _asked(words: tuple[str, ...]) -> list[str]:
    """The properties that `-p NAME` or `--property=NAME` ask for."""
    after = [words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-p", "--property"}]
    return after + [word.partition("=")[2] for word in words if word.startswith("--property=")]


def _plain(words: tuple[str, ...]) -> list[str]:
    """What is neither an option nor the value of one."""
    return [
        word
        for at, word in enumerate(words)
        if not word.startswith("-") and words[at - 1 : at] not in {("-p",), ("--property",)}
    ]


def timedatectl(piece: Timepiece, words: tuple[str, ...]) -> Output:
    """`timedatectl show-timesync --all` and `timedatectl show -p NTPSynchronized --value`."""
    service = piece.service
    if words[:1] == ("show-timesync",):
        if service is None or service.kind != "timesyncd" or not service.alive:
            return Output("", "Failed to parse bus message: No route to host\n", 1)
        return Output(_timesync(piece, service))
    if words[:1] == ("show",):
        known = {
            "NTP": "yes" if service is not None and service.alive else "no",
            "NTPSynchronized": "yes" if _synchronised(service) else "no",
        }
        names = [
            words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-p", "--property"}
        ]
        names += [word.partition("=")[2] for word in words if word.startswith("--property=")]
        bare = "--value" in words
        shown = [known[name] if bare else f"{name}={known[name]}" for name in names or known]
        return Output("".join(f"{line}\n" for line in shown))
    return Output("", f"Unknown command verb {words[0] if words else ''}.\n", 1)


def _synchronised(service: Service | None) -> bool:
    return service is not None and service.alive and service.piece.steered


def _timesync(piece: Timepiece, service: Service) -> str:
    servers = service.servers
    server = next((one for one in servers if one.reach), servers[0] if servers else None)
    lines = [
        "LinkNTPServers=",
        f"SystemNTPServers={' '.join(one.name for one in servers)}",
        "RuntimeNTPServers=",
        "FallbackNTPServers=0.debian.pool.ntp.org 1.debian.pool.ntp.org 2.debian.pool.ntp.org "
        "3.debian.pool.ntp.org",
        f"ServerName={server.name if server else ''}",
        f"ServerAddress={server.name if server else ''}",
        "RootDistanceMaxUSec=5s",
        "PollIntervalMinUSec=32s",
        "PollIntervalMaxUSec=34min 8s",
        "PollIntervalUSec=1min 4s",
    ]
    if server is not None and server.heard is not None:
        lines.append(f"NTPMessage={_message(piece, server)}")
    # in 2^-16 ppm, of what the kernel adds: it slows a clock that is too fast
    lines.append(f"Frequency={round(-piece.learnt * 65536)}")
    return "".join(f"{line}\n" for line in lines)


def _message(piece: Timepiece, server: Server) -> str:
    here = piece.wall() - piece.now() + (server.heard or 0.0)
    there = here - server.sample
    return (
        f"{{ Leap=0, Version=4, Mode=4, Stratum={server.stratum}, Precision=-24, "
        f"RootDelay={_span(server.delay)}, RootDispersion={_span(0.0015)}, Reference=C0000201, "
        f"OriginateTimestamp={_day(here)}, ReceiveTimestamp={_day(there)}, "
        f"TransmitTimestamp={_day(there)}, DestinationTimestamp={_day(here)}, "
        "Ignored=no, PacketCount=8, Jitter=500us }"
    )


def _span(seconds: float) -> str:
    """As systemd has spans below a second: without what is zero at the end."""
    micros = round(seconds * 1e6)
    if micros == 0:
        return "0"
    return f"{micros}us" if micros < 1000 else f"{micros / 1000:.3f}".rstrip("0").rstrip(".") + "ms"


def _day(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%a %Y-%m-%d %H:%M:%S} UTC"
