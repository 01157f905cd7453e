"""Real chronyds that set no clock, and a machine that is reached by ssh and has one of them.

`chronyd -x` keeps a virtual clock: what it serves over NTP is what it would have set.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import asyncssh
import pytest

from bot.devices.sntp import NtpClient
from tests.devices.ssh_host import SshHost

ROOT = Path(__file__).parent.parent.parent
UNPACKED = ROOT / ".tools" / "chrony" / "usr" / "sbin" / "chronyd"
#: seconds for what takes a few tenths of one
PATIENCE = 30.0
#: quick questions, so that a test lasts a second
QUICK = "iburst minpoll -4 maxpoll -3"


def unavailable(why: str) -> NoReturn:
    """Skip the test; fail where ``NOUNOU_REQUIRE=chrony`` says that it must not be."""
    if "chrony" in os.environ.get("NOUNOU_REQUIRE", "").split(","):
        pytest.fail(f"NOUNOU_REQUIRE=chrony: {why}", pytrace=False)
    pytest.skip(why)


@dataclass(frozen=True)
class Programs:
    chronyd: Path
    chronyc: Path


@cache
def found() -> Programs | str:
    """Both programs of chrony, or why there are none."""
    named = os.environ.get("NOUNOU_CHRONYD")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin"
    known = named or (str(UNPACKED) if UNPACKED.exists() else shutil.which("chronyd", path=path))
    if known is None:
        return "there is no chronyd: make chrony"
    chronyd = Path(known)
    beside = [chronyd.parent / "chronyc", chronyd.parent.parent / "bin" / "chronyc"]
    chronyc = next((str(each) for each in beside if each.exists()), None)
    chronyc = chronyc or shutil.which("chronyc", path=path)
    if chronyc is None:
        return f"there is no chronyc beside {chronyd}"
    for program in (chronyd, chronyc):
        # a package that was only unpacked brings no libraries
        try:
            words = [program, "--version"]
            subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE)
        except (OSError, subprocess.SubprocessError) as error:
            return f"{program} does not run here: {error}"
    return Programs(chronyd, Path(chronyc))


def installed() -> Programs:
    programs = found()
    if isinstance(programs, str):
        unavailable(programs)
    return programs


def free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Chronyd:
    """One chronyd, a server of time on an address of this machine, and its own command line."""

    def __init__(self, programs: Programs, folder: Path, address: str) -> None:
        self._programs = programs
        self._folder = folder
        self.address = address
        self.port = free_port(address)
        self.command_port = free_port("127.0.0.1")

    @property
    def client(self) -> NtpClient:
        return NtpClient("chrony", self.address, self.port, timeout=PATIENCE)

    def source(self, options: str = "") -> str:
        """The line with which another follows this one."""
        return f"server {self.address} port {self.port} {QUICK} {options}"

    def words(self, *, root: bool) -> list[str]:
        """How its chronyc is called; *root* by the socket that root alone may use."""
        chronyc = str(self._programs.chronyc)
        # as its own default, "/run/chrony/chronyd.sock,127.0.0.1,::1"
        at = f"{self._folder / 'sock'},127.0.0.1" if root else "127.0.0.1"
        return [chronyc, "-h", at, "-p", str(self.command_port)]

    async def _chronyc(self, *words: str) -> bool:
        """Whether its chronyc ends well."""
        process = await asyncio.create_subprocess_exec(
            *self.words(root=False), *words, stdout=subprocess.DEVNULL
        )
        return await process.wait() == 0

    @asynccontextmanager
    async def running(self, *lines: str) -> AsyncIterator[Chronyd]:
        """Let it run with *lines* in its configuration, until it answers its chronyc."""
        self._folder.mkdir(mode=0o700)
        own = [
            f"port {self.port}",
            f"bindaddress {self.address}",
            "allow all",
            f"cmdport {self.command_port}",
            f"bindcmdaddress {self._folder / 'sock'}",
            "bindcmdaddress 127.0.0.1",
            f"pidfile {self._folder / 'pid'}",
        ]
        (self._folder / "conf").write_text("\n".join([*own, *lines, ""]))
        # -x: it never sets this machine's clock; -U and -u: as whoever runs the tests
        words = ["-x", "-d", "-U", "-u", getpass.getuser(), "-f", str(self._folder / "conf")]
        with (self._folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                self._programs.chronyd, *words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self._chronyc("tracking"):
                    if process.returncode is not None:
                        pytest.fail(f"chronyd ended: {(self._folder / 'log').read_text()}")
            yield self
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    async def synchronised(self) -> None:
        """Wait until it follows a source; its own clock is none."""
        async with asyncio.timeout(PATIENCE):
            assert await self._chronyc("waitsync", "250", "0", "0", "0.1")


class Machine(SshHost):
    """An ssh server on which commands really run, with the chronyc of *daemon*.

    `sudo` gives the right to use root's socket to chronyd, and nothing else.
    """

    def install(self, daemon: Chronyd, *, sudo: bool = True) -> None:
        programs = self.folder / "bin"
        programs.mkdir()
        plain, root = (" ".join(daemon.words(root=root)) for root in (False, True))
        scripts = {
            "chronyc": f'if [ "$ROOT" = yes ]; then exec {root} "$@"; else exec {plain} "$@"; fi',
            "sudo": '[ "$1" = -n ] && shift && ROOT=yes exec "$@"'
            if sudo
            else "echo 'sudo: a password is required' >&2; exit 1",
            "systemctl": "echo 'System has not been booted with systemd' >&2; exit 1",
        }
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)

    async def _answer(self, process: asyncssh.SSHServerProcess[bytes], command: str) -> None:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        child = await asyncio.create_subprocess_shell(
            command,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        stdout, stderr = await child.communicate()
        process.stdout.write(stdout)
        process.stderr.write(stderr)
        process.exit(child.returncode or 0)
