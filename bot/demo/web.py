"""`nounou demo --web`: a real web client, built from npm, served on loopback and logged in.

Whoever opens the address with the ticket in it gets a device of the host's, so a browser that
comes twice keeps its own, and the ticket is as good as the password.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

import bot
from bot.demo import node
from bot.demo.folder import write_private
from bot.demo.keeping import CannotStart
from bot.demo.matrix import MatrixPlace
from bot.demo.stage import Stage
from bot.demo.synapse import LOOPBACK
from bot.i18n import _

SOURCES = Path(bot.__file__).resolve().parent.parent / "web"
#: vite 6 needs it (its package.json, engines)
LEAST_NODE = 18
#: how the web client's devices are called
DEVICE_NAME = "nounou demo web"
#: seconds that a browser gets to hear its answers when everything ends
GRACE = 1.0


def find_node() -> node.Node:
    """The Node.js that builds the client; raises `CannotStart` where there is none."""
    found = node.find(LEAST_NODE)
    if found is None:
        raise CannotStart(
            _("the web client needs Node.js {version} or later, and npm").format(
                version=LEAST_NODE
            ),
            hint=_("on Debian or Ubuntu: apt install nodejs npm"),
        )
    return found


async def perform(stage: Stage, found: node.Node) -> int:
    """Build the client, bring up *stage*, and serve until cancelled."""
    page = await node.build(found, SOURCES, stage.folder.log("web"), stage.say)
    return await stage.perform(partial(_serve, page))


async def _serve(page: Path, stage: Stage) -> int:
    ticket = secrets.token_urlsafe(12)
    runner = web.AppRunner(_site(page, ticket, stage), shutdown_timeout=GRACE)
    await runner.setup()
    try:
        port = await listen(runner, stage.folder.path / "web-port")
        stage.say(
            _("In a browser on this machine, as {name}: {address}").format(
                name=stage.cast.host, address=f"http://{LOOPBACK}:{port}/?ticket={ticket}"
            )
        )
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
    return 0


def _site(page: Path, ticket: str, stage: Stage) -> web.Application:
    site = web.Application()

    async def index(request: web.Request) -> web.FileResponse:
        return web.FileResponse(page / "index.html", headers={"Cache-Control": "no-cache"})

    async def session(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.query.get("ticket", "").encode(), ticket.encode()):
            raise web.HTTPForbidden(text=_("Open the address that the demo prints."))
        return web.json_response(await _new_session(stage))

    site.add_routes([web.get("/", index), web.post("/session", session), web.static("/", page)])
    return site


async def _new_session(stage: Stage) -> dict[str, Any]:
    """A session as Hydrogen keeps it, but for what it makes up itself; and the room to open."""
    place = stage.place
    assert isinstance(place, MatrixPlace)
    device = await place.device(stage.cast.host, DEVICE_NAME)
    return {
        "userId": device.user_id,
        "deviceId": device.device_id,
        "accessToken": device.token,
        "homeserver": place.synapse.url,
        "homeServer": place.synapse.url,
        "room": place.rooms[place.config()["rooms"]["main"]],
    }


async def listen(runner: web.AppRunner, kept: Path) -> int:
    """Listen on the port in the file *kept*, else on any; what a browser keeps stays good so."""
    try:
        await web.TCPSite(runner, LOOPBACK, _port(kept)).start()
    except OSError:
        await web.TCPSite(runner, LOOPBACK, 0).start()
    port = int(runner.addresses[0][1])
    write_private(kept, str(port))
    return port


def _port(kept: Path) -> int:
    return int(kept.read_text()) if kept.exists() else 0
