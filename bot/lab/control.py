"""The control socket: one JSON request a connection, one JSON answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.lab.clocks import meddling
from bot.lab.faults import Fault, UnknownFault
from bot.lab.world import World


class Control:
    """Answers who drives the lab: a demo, a test."""

    def __init__(self, world: World, adapt: Callable[[], Awaitable[None]]) -> None:
        self._world = world
        self._adapt = adapt
        self._server: asyncio.Server | None = None

    async def open(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._serve, path)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                answer = await self._answer(await reader.readline())
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            answer = self.carry_out(request)
        except UnknownFault as error:
            return {"error": str(error)}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"error": f"not a request: {line.decode(errors='replace').strip()[:200]}"}
        await self._adapt()
        return answer

    def carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        """What *request* asks for; docs/lab.md lists them."""
        match request["do"]:
            case "fault":
                times = request.get("times")
                self._world.fault(
                    Fault(
                        str(request["name"]),
                        str(request.get("where") or ""),
                        str(request.get("match") or ""),
                        None if times is None else int(times),
                    )
                )
            case "clear":
                self._world.faults.clear()
            case "faults":
                return {"faults": self._world.faults.listing()}
            case "console":
                self._world.console(str(request["where"]), str(request["scene"]))
            case "clock":
                meddling.clock(self._world, request)
            case "link":
                meddling.link(self._world, request)
            case "world":
                return self._world.picture()
            case "kill":
                return {"killed": self._kill(str(request["where"]), str(request["match"]))}
            case other:
                raise UnknownFault(f"the lab cannot do {other!r}")
        return {"ok": True}

    def _kill(self, where: str, match: str) -> int:
        """SIGKILL the processes of a host whose command line holds *match*; how many there were."""
        host = self._world.hosts.get(where)
        if host is None:
            raise UnknownFault(f"no host is called {where!r}")
        found = [process.pid for process in host.processes.all() if match in process.args]
        return sum(host.processes.kill(pid) for pid in found)
