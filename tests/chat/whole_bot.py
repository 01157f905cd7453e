"""The bot as a process of its own, on whatever homeserver; the hosts are not there."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.demo.folder import write_private
from tests.chat.homeserver import ALIAS

CONFIG = """\
site: lab
state: state
chat:
  kind: matrix
  homeserver: {url}
  user: "{user}"
  {secret}: {{file: secret}}
  sync_timeout: 500ms
  request_timeout: 5s
timing: {{stop: 100ms}}
rooms: {{main: "{room}"}}
hosts:
  fy: {{address: 127.0.0.1, port: 9, user: nounou, key_file: secret, known_hosts: known_hosts}}
arrays: {{}}
roles:
  admin: {{allow: ["*"]}}
  apprentice: {{allow: [bot.*, "job.*"]}}
members:
  nounou: {{ids: ["@nounou:localhost"], roles: [admin]}}
  apprenti: {{ids: ["@apprenti:localhost"], roles: [apprentice]}}
"""


@asynccontextmanager
async def bot(
    folder: Path,
    url: str,
    secret: str = "password",
    *,
    user: str = "@bot:localhost",
    room: str = ALIAS,
    more: str = "",
) -> AsyncIterator[Process]:
    """``nounou run``, killed at the end if it still lives; *more* is added to its configuration."""
    write_private(folder / "secret", "password")
    (folder / "known_hosts").touch()
    config = folder / "nounou.yaml"
    config.write_text(CONFIG.format(url=url, secret=secret, user=user, room=room) + more)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", str(config)),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "1000000"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
