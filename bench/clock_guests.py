"""`python -m bench.clock_guests FOLDER`: one real ssh server that plays every guest.

Each user name is a guest of the lab's kind, with chrony; its clock is as far ahead as `ahead` says.
For each line on standard input one line of JSON on standard output counts the connections.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import asyncssh

from bot.lab.clock import Clock
from bot.lab.clocks import shell
from bot.lab.clocks.service import Server, Service
from bot.lab.clocks.timepiece import Timepiece
from bot.lab.world import World

#: seconds that a question and its answer are on their way together
DELAY = 0.002


def ahead(user: str) -> float:
    """Seconds that the clock of *user* is ahead."""
    return (int(user.rpartition("-")[2]) % 97 - 48) / 1000


@dataclass
class Count:
    """The connections: as many at once at most, now, and in all."""

    most: int = 0
    now: int = 0
    total: int = 0

    def told(self) -> str:
        """As JSON, and count anew from now on."""
        line = json.dumps(vars(self))
        self.most, self.total = self.now, 0
        return line


class _Server(asyncssh.SSHServer):
    def __init__(self, count: Count) -> None:
        self._count = count

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        count = self._count
        count.now, count.total = count.now + 1, count.total + 1
        count.most = max(count.most, count.now)

    def connection_lost(self, exc: Exception | None) -> None:
        self._count.now -= 1


class _Played:
    """The machines, each made when it is first asked."""

    def __init__(self) -> None:
        self.timepieces: dict[str, Timepiece] = {}
        self._clock = Clock()
        self._clock.follow(time.time)

    async def serve(self, process: asyncssh.SSHServerProcess[str]) -> None:
        user, words = process.get_extra_info("username"), shlex.split(process.command or "")
        if user not in self.timepieces:
            piece = self.timepieces[user] = Timepiece(self._clock, ahead(user))
            piece.service = Service("chrony", [Server("10.77.0.1", ahead(user))])
        await asyncio.sleep(DELAY / 2)
        answer = await shell.carry_out(cast("World", self), user, tuple(words))
        await asyncio.sleep(DELAY / 2)
        process.stdout.write(answer.stdout)
        process.stderr.write(answer.stderr)
        process.exit(answer.exit)


async def _run(folder: Path) -> None:
    count = Count()
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(folder / "id")
    (folder / "id").chmod(0o600)
    keys = asyncssh.import_authorized_keys(key.export_public_key().decode())
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        0,
        backlog=1024,
        server_factory=lambda: _Server(count),
        server_host_keys=[host_key],
        process_factory=_Played().serve,
        authorized_client_keys=keys,
        config=[],
    )
    port = acceptor.get_port()
    public = host_key.export_public_key().decode()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    print(json.dumps({"port": port}), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(count.told(), flush=True)
    acceptor.close()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
