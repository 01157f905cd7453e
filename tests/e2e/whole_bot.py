"""A whole bot as a process, in one room, with a Dom0 that nobody reaches: enough for a `!ping`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from bot.demo.folder import write_private
from bot.demo.process import Child, python

#: seconds that the bot gets to end by itself
GRACE = 8.0


@asynccontextmanager
async def running(
    folder: Path, url: str, bot: str, room: str, members: dict[str, str], **more: Any
) -> AsyncIterator[None]:
    """The bot *bot* in *room*, with its state in *folder*, told to end afterwards.

    *members* are chat ids by person; each may do everything.  *more* are further keys of its
    configuration.
    """
    config = folder / "config.yaml"
    for file in ("key", "known_hosts", "password"):
        write_private(folder / file, "password" if file == "password" else "")
    written = {
        "site": "whole",
        "state": str(folder / "state"),
        "chat": {
            "kind": "matrix",
            "homeserver": url,
            "user": bot,
            "password": {"file": str(folder / "password")},
        },
        "rooms": {"main": room},
        "hosts": {
            "fy": {
                "address": "127.0.0.1",
                "port": 1,
                "user": "nounou",
                "key_file": str(folder / "key"),
                "known_hosts": str(folder / "known_hosts"),
            }
        },
        "members": {
            name: {"ids": [chat_id], "roles": ["nounou"]} for name, chat_id in members.items()
        },
        "roles": {"nounou": {"allow": ["*"]}},
        **more,
    }
    write_private(config, yaml.safe_dump(written))
    child = Child("the bot", python("-m", "bot", "run", str(config)), folder / "bot.log")
    process = await child.start()
    try:
        yield
    finally:
        await child.stop(GRACE)
    assert process.returncode == 0, child.last_lines()
