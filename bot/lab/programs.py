"""The small commands of a Dom0: what they print, on which stream, with which exit code."""

from __future__ import annotations

import asyncio
import fnmatch
import re
from functools import partial

from bot.lab import coreutils
from bot.lab.clocks import shell
from bot.lab.command import Command, Program
from bot.lab.processes import Process
from bot.lab.xl import xl

#: where the site's wiki says its script is
UPDATE = "/usr/scripts/gestion/iscsi/update.sh"


async def run(command: Command) -> int:
    """Carry out *command*, whatever it is."""
    program = PROGRAMS.get(command.words[0].rpartition("/")[2]) if command.words else None
    if program is None:
        command.err(f"sh: 1: {command.words[0] if command.words else ''}: not found\n")
        return 127
    return await program(command)


def known(name: str) -> bool:
    """Whether the lab itself answers the command *name*."""
    return name.rpartition("/")[2] in PROGRAMS


async def sudo(command: Command) -> int:
    """Run the rest of the words as root."""
    words = command.words[1:]
    while words and words[0] in {"-n", "--"}:
        words = words[1:]
    if not words:
        command.err("usage: sudo -h | -K | -k | -V\n")
        return 1
    child = command.inner(words, root=True)
    try:
        return await run(child)
    finally:
        command.dom0.processes.remove(child.process)


async def ps(command: Command) -> int:
    """The processes, in the columns that were asked for (procps: seven digits for a pid)."""
    wanted = command.words[-1].split(",") if len(command.words) > 1 else ["pid", "args"]
    columns = [name.rstrip("=") for name in wanted]
    if not any(name.endswith("=") for name in wanted):
        heads = {"pid": "    PID", "ppid": "   PPID", "args": "COMMAND"}
        command.out(" ".join(heads.get(name, name.upper()) for name in columns) + "\n")
    init = Process(1, 0, ("/sbin/init",))
    table = {process.pid: process for process in (init, *command.dom0.real_processes())}
    table |= {process.pid: process for process in command.dom0.processes.all()}
    for _pid, process in sorted(table.items()):
        cells = {"pid": f"{process.pid:>7}", "ppid": f"{process.ppid:>7}", "args": process.args}
        command.out(" ".join(cells.get(name, "?") for name in columns) + "\n")
    return 0


async def readlink(command: Command) -> int:
    """Where a link leads; with `-f` a path whose last part is missing is printed all the same."""
    path = command.words[-1]
    stdin = re.fullmatch(r"/proc/(\d+)/fd/0", path)
    if stdin:
        process = command.dom0.processes.get(int(stdin[1]))
        if process is None or not command.root:
            return 1
        command.out(f"{process.stdin}\n")
        return 0
    device = command.dom0.disks.links.get(path.removeprefix("/dev/"))
    if device is None and "-f" not in command.words:
        return 1
    command.out(f"/dev/{device}\n" if device else f"{path}\n")
    return 0


async def grep(command: Command) -> int:
    """Search the host's files, as `grep -rHE --include=GLOB PATTERN FOLDER` does."""
    if command.words[1:3] == ("-H", ""):
        return await clocks(command)
    options = [word for word in command.words[1:] if word.startswith("-")]
    rest = [word for word in command.words[1:] if not word.startswith("-")]
    if len(rest) != 2:
        command.err("Usage: grep [OPTION]... PATTERNS [FILE]...\n")
        return 2
    pattern, folder = rest
    globs = [word.removeprefix("--include=") for word in options if word.startswith("--include=")]
    try:
        wanted = re.compile(pattern.replace("[[:space:]]", r"\s"))
    except re.error:
        command.err("grep: Invalid regular expression\n")
        return 2
    found = False
    for path, text in sorted(command.dom0.files.items()):
        inside = path.startswith(folder.rstrip("/") + "/")
        if not inside or (globs and not any(fnmatch.fnmatch(path, glob) for glob in globs)):
            continue
        for line in text.splitlines():
            if wanted.search(line):
                found = True
                command.out(f"{path}:{line}\n")
    return 0 if found else 1


async def scsi_id(command: Command) -> int:
    """The id that the volume behind a device gives now; nothing and 1 where none answers."""
    device = command.dom0.disks.follow(command.words[-1])
    volume = command.dom0.disks.inquire(device) if device and command.root else None
    if volume is None:
        return 1
    command.out(f"3{volume.wwn}\n")
    return 0


async def blockdev(command: Command) -> int:
    """The size of a device in bytes."""
    path = command.words[-1]
    device = command.dom0.disks.follow(path)
    volume = command.dom0.disks.inquire(device) if device else None
    if volume is None or not command.root:
        reason = "No such file or directory" if device is None else "Permission denied"
        command.err(f"blockdev: cannot open {path}: {reason}\n")
        return 1
    command.out(f"{volume.size}\n")
    return 0


async def update(command: Command) -> int:
    """The site's script; it is not public, and only what it achieves is known (the site's wiki)."""
    if not command.root:
        command.err(f"{command.words[0]}: Permission denied\n")
        return 1
    await asyncio.sleep(command.world.pace.create)
    command.dom0.disks.update()
    command.world.changed()
    return 0


async def clocks(command: Command) -> int:
    """What is about the host's clock and its time service."""
    answer = await shell.carry_out(
        command.world, command.dom0.name, command.words, root=command.root
    )
    command.out(answer.stdout)
    command.err(answer.stderr)
    return answer.exit


async def cat(command: Command) -> int:
    """Files of the host, `/proc/uptime`, and the id of the boot."""
    failed = False
    for path in command.words[1:]:
        if path == "/proc/sys/kernel/random/boot_id":
            command.out(f"{command.dom0.boot_id}\n")
        elif path == "/proc/uptime":
            up = command.world.clock.now() - command.dom0.booted
            command.out(f"{up:.2f} {up * 1.7:.2f}\n")
        elif path in command.dom0.files:
            command.out(command.dom0.files[path])
        else:
            failed = True
            command.err(f"cat: {path}: No such file or directory\n")
    return 1 if failed else 0


async def kill(command: Command) -> int:
    """Send SIGKILL to processes of this host, whatever signal was asked for."""
    pids = [word for word in command.words[1:] if word.isdigit()]
    missing = [pid for pid in pids if not (command.root and command.dom0.processes.kill(int(pid)))]
    for pid in missing:
        command.err(f"kill: ({pid}): No such process\n")
    return 1 if missing or not pids else 0


PROGRAMS: dict[str, Program] = {
    "sudo": sudo,
    "xl": xl,
    "ps": ps,
    "readlink": readlink,
    "grep": grep,
    "scsi_id": scsi_id,
    "blockdev": blockdev,
    "update.sh": update,
    "date": clocks,
    "chronyc": clocks,
    "ntpq": clocks,
    "timedatectl": clocks,
    "systemctl": clocks,
    "cat": cat,
    "kill": kill,
    "timeout": partial(coreutils.timeout, run),
    "stat": coreutils.stat,
    "tail": coreutils.tail,
}
