"""A strict client that nobody here wrote: matrix-js-sdk, believing signed devices only."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.demo.node import Node
from tests.e2e.web import ROOT

FOLDER = ROOT / "web" / "peer"
#: its package.json, engines
LEAST_NODE = 22
#: generous, since the machines that run tests are busy
PATIENCE = 60.0
#: a line holds an event of at most 64 KiB, escaped
LONGEST_LINE = 2**20


@dataclass(frozen=True)
class Heard:
    """A message as the peer knows it."""

    id: str
    room: str
    sender: str
    type: str
    content: dict[str, Any]
    encrypted: bool
    #: why it could not be read; None where it could
    unread: str | None
    #: 0 none, 1 grey, 2 red: how sure the peer is of the sender; None where nothing was encrypted
    shield: int | None

    @property
    def body(self) -> str:
        """The newest text, also where this replaces an earlier message."""
        newest = self.content.get("m.new_content", self.content)
        return str(newest.get("body", ""))


@dataclass
class Peer:
    """The peer of one account, as `web/peer/peer.js` runs it."""

    process: Process
    #: by event id, in the order in which they came
    heard: dict[str, Heard] = field(default_factory=dict)
    user: str = ""
    device: str = ""
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def tell(self, do: str, **wish: Any) -> dict[str, Any]:
        """Have it do something; returns its answer, fails where it cannot."""
        assert self.process.stdin is not None
        n = len(self._answers)
        self._answers[n] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(json.dumps({"n": n, "do": do, **wish}).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            answer = await self._answers[n]
        assert "error" not in answer, f"{do}: {answer['error']}"
        return answer

    async def say(self, room: str, text: str) -> str:
        """Say something; returns the event id."""
        return str((await self.tell("say", room=room, text=text))["id"])

    async def hears(self, wanted: Callable[[Heard], bool]) -> Heard:
        """The first message that is as *wanted*, now or soon."""
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                while (found := next(filter(wanted, self.heard.values()), None)) is None:
                    await self._news.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"not among {[*self.heard.values()]}") from None

    async def listen(self) -> None:
        """Take in what it writes, to its end."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            match json.loads(line):
                case {"ready": {"user": user, "device": device}}:
                    self.user, self.device = user, device
                case {"heard": heard}:
                    self.heard[heard["id"]] = Heard(**heard)
                case {"n": n} as answer:
                    self._answers[n].set_result(answer)
            async with self._news:
                self._news.notify_all()

    async def ready(self) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self.device)


@asynccontextmanager
async def present(node: Node, url: str, user: str, log: Path) -> AsyncIterator[Peer]:
    """A new device of *user*, whose password is ``password``, signed by nobody yet."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(node.node, str(FOLDER / "peer.js"), url, user, "password"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            limit=LONGEST_LINE,
        )
    peer = Peer(process)
    listening = asyncio.create_task(peer.listen())
    try:
        await peer.ready()
        yield peer
    finally:
        process.kill()
        await listening
        await process.wait()
