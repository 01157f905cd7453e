"""A homeserver of one room and one bot, told to misbehave as real ones and proxies do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

ROOM = "!room"
ALIAS = "#nounou:localhost"
BOT = "@bot:localhost"
NOUNOU = "@nounou:localhost"

Misbehaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeHomeserver:
    """Tokens count events; a sync shows the last *page* events and says if it left some out."""

    def __init__(self, page: int = 3) -> None:
        self.page = page
        self.events: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.sent: dict[str, dict[str, Any]] = {}
        #: what was asked, as "METHOD endpoint"
        self.asked: list[str] = []
        #: for how many seconds each /sync that was answered was ready to wait
        self.patiences: list[float] = []
        self.receipts: list[str] = []
        self.redacted: list[str] = []
        #: what the room says of itself, by type
        self.state: dict[str, dict[str, Any]] = {}
        self.may_pin = True
        self.typing: list[dict[str, Any]] = []
        self.uploads: list[bytes] = []
        #: what each of them was said to be
        self.media_types: list[str] = []
        self.logins: list[dict[str, Any]] = []
        self.password = "password"
        self._misbehaviours: list[tuple[str, Misbehaviour]] = []
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on loopback; yields the URL."""
        app = web.Application(middlewares=[self._misbehave], client_max_size=2**21)
        app.add_routes(
            [
                web.post(f"{API}/login", self._login),
                web.get(f"{API}/account/whoami", self._whoami),
                web.get(f"{API}/directory/room/{{alias}}", self._directory),
                web.get(f"{API}/sync", self._sync),
                web.get(f"{API}/rooms/{{room}}/messages", self._messages),
                web.get(f"{API}/rooms/{{room}}/event/{{event}}", self._event),
                web.get(f"{API}/rooms/{{room}}/state/{{type}}/", self._get_state),
                web.put(f"{API}/rooms/{{room}}/state/{{type}}/", self._put_state),
                web.put(f"{API}/rooms/{{room}}/send/{{type}}/{{txn}}", self._send),
                web.post(f"{API}/rooms/{{room}}/receipt/m.read/{{event}}", self._receipt),
                web.put(f"{API}/rooms/{{room}}/redact/{{event}}/{{txn}}", self._redact),
                web.put(f"{API}/rooms/{{room}}/typing/{{user}}", self._typing),
                web.post("/_matrix/media/v3/upload", self._upload),
                web.post(f"{API}/keys/{{what:.*}}", self._keys),
                web.put(f"{API}/sendToDevice/{{type}}/{{txn}}", self._keys),
            ]
        )
        async with TestServer(app) as server:
            yield str(server.make_url("")).rstrip("/")

    async def say(self, *bodies: str, **more: Any) -> None:
        """The administrator says *bodies* in the room, before any sync returns."""
        async with self._news:
            for body in bodies:
                self.events.append(
                    {
                        "type": "m.room.message",
                        "event_id": f"${len(self.events)}",
                        "sender": NOUNOU,
                        "content": {"msgtype": "m.text", "body": body, **more},
                    }
                )
            self._news.notify_all()

    def misbehave(self, endpoint: str, *hows: Misbehaviour) -> None:
        """Answer the next requests whose path contains *endpoint* in these ways, each once."""
        self._misbehaviours += [(endpoint, how) for how in hows]

    def revoke(self) -> None:
        self.tokens.clear()

    @web.middleware
    async def _misbehave(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path.removeprefix(API)}")
        for index, (endpoint, how) in enumerate(self._misbehaviours):
            if endpoint in request.path:
                del self._misbehaviours[index]
                return await how(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not request.path.endswith("/login") and token not in self.tokens:
            return web.json_response({"errcode": "M_UNKNOWN_TOKEN"}, status=401)
        return await handler(request)

    async def _login(self, request: web.Request) -> web.Response:
        login = await request.json()
        self.logins.append(login)
        if login["password"] != self.password:
            return web.json_response({"errcode": "M_FORBIDDEN", "error": "no"}, status=403)
        self.tokens.append(f"token{len(self.logins)}")
        return web.json_response(
            {
                "user_id": BOT,
                "access_token": self.tokens[-1],
                "device_id": login.get("device_id", "DEVICE"),
            }
        )

    async def _whoami(self, request: web.Request) -> web.Response:
        return web.json_response({"user_id": BOT, "device_id": "DEVICE"})

    async def _directory(self, request: web.Request) -> web.Response:
        return web.json_response({"room_id": ROOM})

    async def _sync(self, request: web.Request) -> web.Response:
        since = request.query.get("since")
        if since is None:
            create = {"type": "m.room.create", "state_key": "", "content": {}}
            return self._answer({"state": {"events": [create]}})
        start, patience = int(since), int(request.query["timeout"]) / 1000
        self.patiences.append(patience)
        async with self._news:
            try:
                async with asyncio.timeout(patience):
                    await self._news.wait_for(lambda: len(self.events) > start)
            except TimeoutError:
                return self._answer(None)
        shown = max(start, len(self.events) - self.page)
        timeline = {
            "events": self.events[shown:],
            "limited": shown > start,
            "prev_batch": str(shown),
        }
        return self._answer({"timeline": timeline})

    def _answer(self, room: dict[str, Any] | None) -> web.Response:
        rooms = {"join": {ROOM: room}} if room is not None else {}
        return web.json_response({"next_batch": str(len(self.events)), "rooms": rooms})

    async def _messages(self, request: web.Request) -> web.Response:
        end = int(request.query.get("from", len(self.events)))
        stop = int(request.query.get("to", 0))
        start = max(stop, end - self.page)
        answer: dict[str, Any] = {"chunk": self.events[start:end][::-1], "start": str(end)}
        if start > stop:
            answer["end"] = str(start)
        return web.json_response(answer)

    async def _send(self, request: web.Request) -> web.Response:
        txn = request.match_info["txn"]
        self.sent.setdefault(txn, await request.json())
        return web.json_response({"event_id": f"$sent-{txn}"})

    async def _event(self, request: web.Request) -> web.Response:
        for event in self.events:
            if event["event_id"] == request.match_info["event"]:
                return web.json_response(event)
        return web.json_response({"errcode": "M_NOT_FOUND"}, status=404)

    async def _get_state(self, request: web.Request) -> web.Response:
        content = self.state.get(request.match_info["type"])
        if content is None:
            return web.json_response({"errcode": "M_NOT_FOUND"}, status=404)
        return web.json_response(content)

    async def _put_state(self, request: web.Request) -> web.Response:
        if not self.may_pin:
            return web.json_response({"errcode": "M_FORBIDDEN"}, status=403)
        self.state[request.match_info["type"]] = await request.json()
        return web.json_response({"event_id": f"$state-{len(self.asked)}"})

    async def _receipt(self, request: web.Request) -> web.Response:
        self.receipts.append(request.match_info["event"])
        return web.json_response({})

    async def _redact(self, request: web.Request) -> web.Response:
        self.redacted.append(request.match_info["event"])
        return web.json_response({"event_id": f"$sent-{request.match_info['txn']}"})

    async def _typing(self, request: web.Request) -> web.Response:
        self.typing.append(await request.json())
        return web.json_response({})

    async def _keys(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def _upload(self, request: web.Request) -> web.Response:
        self.uploads.append(await request.read())
        self.media_types.append(request.content_type)
        return web.json_response({"content_uri": f"mxc://localhost/{len(self.uploads)}"})


API = "/_matrix/client/v3"


def answers(status: int, content: object, **headers: str) -> Misbehaviour:
    """Answer with *status* and JSON."""

    async def misbehave(request: web.Request) -> web.StreamResponse:
        return web.json_response(content, status=status, headers=headers)

    return misbehave


def page(status: int) -> Misbehaviour:
    """Answer with a proxy's HTML page."""

    async def misbehave(request: web.Request) -> web.StreamResponse:
        text = "<html><h1>Sorry</h1></html>"
        return web.Response(status=status, text=text, content_type="text/html")

    return misbehave


def raw(text: bytes) -> Misbehaviour:
    """Answer 200 with *text*, which need not be JSON."""

    async def misbehave(request: web.Request) -> web.StreamResponse:
        return web.Response(body=text, content_type="application/json")

    return misbehave


async def truncates(request: web.Request) -> web.StreamResponse:
    """Promise a long answer, and close the connection in the middle of it."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(json.dumps({"next_batch": "9"}).encode()[:-1])
    assert request.transport is not None
    request.transport.abort()
    return response


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """Close the connection with no answer at all."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hangs(request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError
