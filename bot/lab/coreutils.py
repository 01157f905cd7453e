"""`timeout`, and two commands that look at the end of a file, as coreutils 9.1 has them."""

from __future__ import annotations

import asyncio
import re

from bot.lab.command import Command, Program
from bot.lab.consoles.log import FOLDER

#: exit codes of `timeout`: the command was ended; `timeout` itself failed
_TIMED_OUT, _FAILED = 124, 125
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


async def timeout(run: Program, command: Command) -> int:
    """`timeout [-k SECONDS] [--foreground] SECONDS COMMAND…`; *run* carries the command out.

    Everything in the lab ends at SIGTERM, so nothing has to be killed after it.
    """
    words = list(command.words[1:])
    spans = []
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "-k" and words:
            spans.append(words.pop(0))
        elif option != "--foreground":
            return _wrong(command, f"unrecognized option '{option}'")
    if len(words) < 2:
        return _wrong(command, "missing operand")
    spans.append(words.pop(0))
    for span in spans:
        if not _SECONDS.fullmatch(span):
            return _wrong(command, f"invalid time interval '{span}'")
    child = command.inner(tuple(words), root=command.root)
    try:
        async with asyncio.timeout(_seconds(spans[-1]) or None):
            return await run(child)
    except TimeoutError:
        return _TIMED_OUT
    finally:
        command.dom0.processes.remove(child.process)


def _seconds(span: str) -> float:
    number, unit = span.rstrip("smhd"), span.lstrip("0123456789.")
    return float(number) * _UNITS[unit]


def _wrong(command: Command, what: str) -> int:
    command.err(f"timeout: {what}\nTry 'timeout --help' for more information.\n")
    return _FAILED


async def stat(command: Command) -> int:
    """`stat -c FORMAT -- PATH…`: when files were last written to (%Y), and their names (%n)."""
    words = command.words
    if len(words) < 5 or words[1] != "-c" or words[3] != "--":
        command.err("stat: missing operand\nTry 'stat --help' for more information.\n")
        return 1
    missing = False
    for path in words[4:]:
        found = _file(command, path)
        if isinstance(found, str):
            missing = True
            command.err(f"stat: cannot statx '{path}': {found}\n")
        else:
            line = words[2].replace("%Y", str(int(found[1]))).replace("%n", path)
            command.out(f"{line}\n")
    return 1 if missing else 0


async def tail(command: Command) -> int:
    """`tail -c NUMBER -- PATH`: the last bytes of a file."""
    words = command.words
    if len(words) != 5 or words[1] != "-c" or not words[2].isdigit() or words[3] != "--":
        command.err("tail: invalid number of bytes\n")
        return 1
    path, number = words[4], int(words[2])
    found = _file(command, path)
    if isinstance(found, str):
        command.err(f"tail: cannot open '{path}' for reading: {found}\n")
        return 1
    data = found[0][-number:] if number else b""
    command.out(data.decode("utf-8", "surrogateescape"))
    return 0


def _file(command: Command, path: str) -> tuple[bytes, float] | str:
    """What is in the file *path* and when it was written, or why it cannot be read."""
    host = command.dom0
    if path.startswith(f"{FOLDER}/") and not command.root:
        return "Permission denied"
    log = host.consoles.logs.find(path) if host.consoles.logs is not None else None
    if log is not None:
        return bytes(log.text), log.changed
    if path in host.files:
        booted = host.clock.wall() - host.clock.now() + host.booted
        return host.files[path].encode("utf-8", "surrogateescape"), booted
    return "No such file or directory"
