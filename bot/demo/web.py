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
from urllib.parse import quote

from aiohttp import web

import bot
from bot.demo import node
from bot.demo.client import Client
from bot.demo.folder import ROOM, write_private
from bot.demo.keeping import CannotStart
from bot.demo.policy import DOMAIN
from bot.demo.stage import Stage
from bot.demo.synapse import LOOPBACK
from bot.i18n import _

SOURCES = Path(bot.__file__).resolve().parent.parent / "web"
#: vite 6 needs it (its package.json, engines)
LEAST_NODE = 18
#: how the web client's devices are called, by which the demo knows whom to sign
DEVICE_NAME = "nounou demo web"
#: seconds for a request to the homeserver
REQUEST = 20.0
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
    async with Client(str(stage.place.config()["chat"]["homeserver"]), REQUEST) as client:
        runner = web.AppRunner(_site(page, ticket, stage, client), shutdown_timeout=GRACE)
        await runner.setup()
        try:
            port = await _listen(runner, stage.folder.path / "web-port")
            for line in stage.place.welcome():
                stage.say(line)
            stage.say(
                _("In a browser on this machine, as {name}: {address}").format(
                    name=stage.cast.host, address=f"http://{LOOPBACK}:{port}/?ticket={ticket}"
                )
            )
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
    return 0


def _site(page: Path, ticket: str, stage: Stage, client: Client) -> web.Application:
    site = web.Application()

    async def index(request: web.Request) -> web.FileResponse:
        return web.FileResponse(page / "index.html", headers={"Cache-Control": "no-cache"})

    async def session(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.query.get("ticket", ""), ticket):
            raise web.HTTPForbidden(text=_("Open the address that the demo prints."))
        return web.json_response(await _new_device(stage, client))

    site.add_routes([web.get("/", index), web.post("/session", session), web.static("/", page)])
    return site


async def _new_device(stage: Stage, client: Client) -> dict[str, Any]:
    """A session as Hydrogen keeps it, but for what it makes up itself; and the room to open."""
    account = stage.cast.accounts[stage.cast.host]
    made = await client.ask(
        "POST",
        "login",
        None,
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": account},
            "password": stage.folder.password(account)[0],
            "initial_device_display_name": DEVICE_NAME,
        },
    )
    homeserver = str(stage.place.config()["chat"]["homeserver"])
    room = await client.ask("GET", f"directory/room/{quote(ROOM)}", None)
    return {
        "userId": f"@{account}:{DOMAIN}",
        "deviceId": made["device_id"],
        "accessToken": made["access_token"],
        "homeserver": homeserver,
        "homeServer": homeserver,
        "room": room["room_id"],
    }


async def _listen(runner: web.AppRunner, kept: Path) -> int:
    """Listen where the last demo of this folder did, so that what a browser keeps stays good."""
    try:
        await web.TCPSite(runner, LOOPBACK, _port(kept)).start()
    except OSError:
        await web.TCPSite(runner, LOOPBACK, 0).start()
    port = int(runner.addresses[0][1])
    write_private(kept, str(port))
    return port


def _port(kept: Path) -> int:
    return int(kept.read_text()) if kept.exists() else 0
