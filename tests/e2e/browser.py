"""A headless Chromium, driven as a person would use it, over its DevTools protocol."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: seconds for the page to show what it is asked for; generous, since machines that test are busy
PATIENCE = 60.0
WORDS = (
    "--headless=new",
    "--no-sandbox",  # as root, and in containers, there is none
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--password-store=basic",
    "--window-size=1280,900",
)
#: resolves with the value of an expression once it is true
UNTIL = """new Promise(resolve => {{
    const look = () => {{
        const found = (() => {expression})();
        found ? resolve(found) : setTimeout(look, 50);
    }};
    look();
}})"""


def find() -> str | None:
    """The browser of this machine: ``$NOUNOU_CHROMIUM``, or one of the usual names."""
    wanted = os.environ.get("NOUNOU_CHROMIUM")
    return next(filter(None, map(shutil.which, [wanted] if wanted else NAMES)), None)


class ProtocolError(Exception):
    """The browser does not do what it was told to."""


class Page:
    """One page; every wait in it is bounded by `PATIENCE`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0

    async def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; returns its result."""
        self._last += 1
        await self._socket.send_json({"id": self._last, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE):
            while True:
                said = await self._socket.receive_json()
                if said.get("id") == self._last:
                    if "error" in said:
                        raise ProtocolError(f"{method}: {said['error']['message']}")
                    result: dict[str, Any] = said["result"]
                    return result

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression is worth, a promise awaited."""
        said = await self.tell(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in said, f"{expression}: {said['exceptionDetails']}"
        return said["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The value of *expression*, once it is true, also if the page loads anew meanwhile."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    with suppress(ProtocolError):
                        return await self.value(UNTIL.format(expression=expression))
        except TimeoutError:
            raise AssertionError(f"in vain: {expression}\n{await self.text()}") from None

    async def text(self) -> str:
        """All that the page shows."""
        return str(await self.value("document.body.innerText"))

    async def shows(self, text: str) -> None:
        """Return once the page shows *text*."""
        await self.until(f"document.body?.innerText.includes({json.dumps(text)})")

    async def click(self, element: str) -> None:
        """Click the element that a JavaScript expression is, once there is one."""
        await self.until(element)
        await self.value(f"{element}.click()")

    async def enter(self, selector: str, text: str) -> None:
        """Type *text* into what *selector* finds, and press Enter."""
        await self.until(f"document.querySelector({json.dumps(selector)})")
        await self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.tell("Input.insertText", text=text)
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        for kind in ("keyDown", "keyUp"):
            await self.tell("Input.dispatchKeyEvent", type=kind, **key)

    async def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        await self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    async def picture(self, file: Path) -> None:
        """Save what is to be seen as a PNG."""
        shot = await self.tell("Page.captureScreenshot", format="png")
        await asyncio.to_thread(file.write_bytes, b64decode(shot["data"]))


@asynccontextmanager
async def opened(program: str, profile: Path, url: str) -> AsyncIterator[Page]:
    """A browser with *url* open; nothing of it is left afterwards."""
    process = await asyncio.create_subprocess_exec(
        program,
        *WORDS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        async with aiohttp.ClientSession() as session:
            host = await _address(process)
            async with session.put(f"http://{host}/json/new?{url}") as answer:
                target = await answer.json()
            # pictures are large
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Let the browser collect its own processes; by force where it does not."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(10):
            await process.communicate()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def _address(process: Process) -> str:
    """Where the browser listens, which it says on its standard error."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        async for line in process.stderr:
            before, found, url = line.decode(errors="replace").partition("ws://")
            if found and "DevTools listening" in before:
                return url.partition("/")[0]
    raise AssertionError("the browser does not start")
