"""`timedatectl` and `systemctl` of systemd 252 (Debian 12), as far as clocks are concerned.

From systemd's manual and source; nothing of it is recorded.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.devices.session import Output
from bot.lab.clocks.discipline import MANNERS
from bot.lab.clocks.service import Server, Service
from bot.lab.clocks.timepiece import Timepiece

#: what else a unit is called
_ALIASES = {"chronyd": "chrony", "ntp": "ntpsec", "ntpd": "ntpsec"}
_UNITS = {manner.unit for manner in MANNERS.values()}


def systemctl(piece: Timepiece, words: tuple[str, ...], *, root: bool) -> Output:
    """`systemctl show|is-active|start|stop|restart UNIT`."""
    words = tuple(word for word in words if not word.startswith("-"))
    if words[:1] == ("show",):
        return Output("\n".join(_shown(piece.service, unit) for unit in words[1:]))
    if len(words) != 2:
        return Output("", "Too few arguments.\n", 1)
    verb, unit = words[0], words[1].removesuffix(".service")
    service = piece.service
    here = service is not None and service.manner.unit == _ALIASES.get(unit, unit)
    if verb == "is-active":
        active = here and service is not None and service.alive
        return Output("active\n") if active else Output("inactive\n", exit=3)
    if verb not in {"start", "stop", "restart"}:
        return Output("", f"Unknown command verb {verb}.\n", 1)
    if not root:
        return Output(
            "",
            f"Failed to {verb} {unit}.service: Interactive authentication required.\n"
            f"See system logs and 'systemctl status {unit}.service' for details.\n",
            1,
        )
    if not here or service is None:
        return Output("", f"Failed to {verb} {unit}.service: Unit {unit}.service not found.\n", 5)
    if verb != "start" and service.alive:
        service.alive = False
    if verb != "stop":
        service.alive = True
    return Output("")


def _shown(service: Service | None, unit: str) -> str:
    """`systemctl show --property=LoadState --property=ActiveState`, of one unit."""
    unit = unit.removesuffix(".service")
    if service is None or service.manner.unit != _ALIASES.get(unit, unit):
        return "LoadState=not-found\nActiveState=inactive\n"
    return f"LoadState=loaded\nActiveState={'active' if service.alive else 'inactive'}\n"


def timedatectl(piece: Timepiece, words: tuple[str, ...]) -> Output:
    """`timedatectl show-timesync --all` and `timedatectl show -p NTPSynchronized --value`."""
    service = piece.service
    if words[:1] == ("show-timesync",):
        if service is None or service.kind != "timesyncd" or not service.alive:
            # the bus cannot start a unit that is masked or not installed
            return Output(
                "",
                "Failed to query server: The name org.freedesktop.timesync1 was not provided by "
                "any .service files\n",
                1,
            )
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
        f"RootDelay={server.delay * 1e3:.3f}ms, RootDispersion=1.500ms, Reference=C0000201, "
        f"OriginateTimestamp={_day(here)}, ReceiveTimestamp={_day(there)}, "
        f"TransmitTimestamp={_day(there)}, DestinationTimestamp={_day(here)}, "
        "Ignored=no, PacketCount=8, Jitter=500us }"
    )


def _day(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%a %Y-%m-%d %H:%M:%S} UTC"
