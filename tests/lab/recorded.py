"""The two hosts of the recordings, rebuilt in the lab, and a reader of the recordings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bot.lab.blueprint import build_world
from bot.lab.command import start
from bot.lab.dom0 import Machine
from bot.lab.guests import Guest, GuestDisk, GuestNic
from bot.lab.programs import run
from bot.lab.world import Pace, World

FOLDER = Path(__file__).parent.parent / "data" / "xen-4.17"

#: alpha, beta and gamma as 11-list-l shows them
_UUIDS = {
    "alpha": "b8e622eb-0de2-4e29-b9a3-943d735eedc0",
    "beta": "ccf98ca6-351d-47b1-a5ea-931f73e46af6",
    "gamma": "1f33e6b5-9be4-4cf0-a5ba-045b5a9820cb",
}


@dataclass(frozen=True)
class Recording:
    """What a real host printed."""

    exit: int
    stdout: str
    stderr: str


def recording(name: str) -> Recording:
    """The recording *name*, comparable."""
    found = json.loads((FOLDER / f"{name}.json").read_text())
    return Recording(found["exit"], comparable(found["stdout"]), comparable(found["stderr"]))


def guest(name: str, number: int, memory: int, kind: str = "pv") -> Guest:
    return Guest(
        name=name,
        uuid=_UUIDS[name],
        type=kind,
        memory=memory,
        kernel="/boot/domu/vmlinux",
        disks=(GuestDisk(f"/dev/{name}", "xvda"),),
        nics=(GuestNic(f"00:16:3e:77:00:2{number}", "xenbr0"),),
        extra="console=hvc0 net.ifnames=0 mitigations=off" + (" audit=0" if number == 3 else ""),
    )


def recorded_world(*, shadow: bool = True, kind: str = "pv") -> World:
    """fy and fz as they were recorded, nothing running yet."""
    machines = (Machine("fy", 2047, shadow=shadow), Machine("fz", 1535, shadow=shadow))
    guests = (
        guest("alpha", 1, 128, kind),
        guest("beta", 2, 128, kind),
        guest("gamma", 3, 256, kind),
    )
    return build_world(machines, [(made, "") for made in guests], pace=Pace(migration=40.0))


async def shell(world: World, host: str, line: str, *, root: bool = True) -> Recording:
    """Run *line* on *host* as the recordings' little scripts were: steps joined by semicolons."""
    out: list[str] = []
    err: list[str] = []
    code = last = 0
    for step in line.split("; "):
        words = tuple(step.split())
        where = host
        if words[0] == "ssh":
            where, words = words[1], words[2:]
        if words[0] in {"r=$?", "exit"}:
            code, last = (last, last) if words[0] == "r=$?" else (code, code)
            continue
        if words[0] == "echo":
            out.append(words[1].replace("$?", str(last)) + "\n")
            last = 0
            continue
        execution = start(
            world, world.hosts[where], words, run, out=out.append, err=err.append, root=root
        )
        last = await execution.wait()
    return Recording(last, comparable("".join(out)), comparable("".join(err)))


_ROW = re.compile(r"^(.{40} .{5} .{5} .{5} {5})([-rbpscdwS]{6})  ([ \d.]{8})(.*)$", re.MULTILINE)
_DIFFERS = (
    (re.compile(r"\[\d+\]"), "[PID]"),
    (re.compile(r"0x3/0x0/\d+"), "0x3/0x0/LENGTH"),
    (re.compile(r"mfn 0x(?!feff)[0-9a-f]+"), "mfn PAGE"),
    (re.compile(r"/dev/sd[a-z]\b"), "/dev/sdX"),
    (re.compile(r"/tmp/"), "/etc/xen/"),
    (re.compile(r"^(cpu_mhz +: ).*$", re.MULTILINE), r"\1MHZ"),
    (re.compile(r"\nreal\t.*\nuser\t.*\nsys\t.*\n"), ""),
    (re.compile(r"(?<=\d )(\d+ days?,)? +\d+:\d\d:\d\d$", re.MULTILINE), " UPTIME"),
    (re.compile(r"^ \d\d:\d\d:\d\d up( \d+ days?,)? +\d+:\d\d,", re.MULTILINE), " CLOCK up UP,"),
)


def comparable(text: str) -> str:
    """*text* without what must differ: CPU seconds, pids, uptimes, the letters of the living."""

    def row(match: re.Match[str]) -> str:
        alive = match[2] in {"r-----", "-b----", "------"}
        return f"{match[1]}{'ALIVE-' if alive else match[2]}  {'SECONDS':>8}{match[4]}"

    text = _ROW.sub(row, text)
    for pattern, stand_in in _DIFFERS:
        text = pattern.sub(stand_in, text)
    return text
