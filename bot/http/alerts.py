"""Alerts that other programs send: each is on disk before its sender reads that it was taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.core.alerts import Told
from bot.engine.alerts import TOGETHER
from bot.engine.engine import Engine
from bot.errors import StoreError
from bot.http.alertmanager import told_by_alertmanager
from bot.http.payload import Known, Unusable
from bot.http.plain import told_plainly
from bot.http.senders import Senders
from bot.i18n import _

log = structlog.get_logger()

#: seconds after which a sender may try again what the bot could not write down
STORE_AGAIN = 10
#: bytes of a body that are read at once
_PIECE = 2**16

Serving = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reading = Callable[[bytes, Known], list[Told]]


@dataclass(frozen=True)
class Door:
    """How alerts come in, and within which limits."""

    engine: Engine
    senders: Senders
    body_bytes: int
    #: seconds for a body to arrive
    patience: float

    def add_routes(self, app: web.Application) -> None:
        """Take alerts at the addresses of *app*."""
        # Alertmanager repeats a request only where the answer is 5xx, for its webhook names no
        # other code: notify/webhook/webhook.go (New) and notify/util.go (Retrier.Check) of
        # prometheus/alertmanager.  After 429 or 408 it would give the notification up.
        app.router.add_post("/alerts/alertmanager", self._taking(told_by_alertmanager, 503, 503))
        app.router.add_post("/alerts", self._taking(told_plainly, 429, 408))

    def _taking(self, reading: Reading, too_often: int, too_slow: int) -> Serving:
        async def take(request: web.Request) -> web.Response:
            sender = self.senders.named(request.headers.get("Authorization", ""))
            if sender is None:
                return self._stranger(request)
            if wait := self.senders.wait(sender):
                return refusal(too_often, _("That is too often."), wait)
            try:
                async with asyncio.timeout(self.patience):
                    body = await self._body(request)
            except TimeoutError:
                return refusal(too_slow, _("The body took too long to arrive."), 1)
            return await self._take(sender, reading, body)

        return take

    def _stranger(self, request: web.Request) -> web.Response:
        """Nothing of the body is read, and nothing is counted against those who may send."""
        if wait := self.senders.stranger_waits(request.remote or ""):
            return refusal(429, _("That is too often."), wait)
        answer = refusal(401, _("Send one of the tokens in http.tokens as a bearer token."))
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    async def _body(self, request: web.Request) -> bytes | None:
        """The whole body; None where it is too large."""
        if (request.content_length or 0) > self.body_bytes:
            return None
        body = bytearray()
        while piece := await request.content.read(_PIECE):
            body += piece
            if len(body) > self.body_bytes:
                return None
        # Windows begins a text with a mark of its byte order, which is no JSON
        return bytes(body.removeprefix(b"\xef\xbb\xbf"))

    def _known(self) -> Known:
        names = self.engine.inventory.names
        return Known(names("dom0"), names("domu"), self.engine.clock())

    async def _take(self, sender: str, reading: Reading, body: bytes | None) -> web.Response:
        if body is None:
            log.warning("a body with alerts was too large", sender=sender, most=self.body_bytes)
            return refusal(
                413,
                _("The body is larger than http.body_bytes, {most} bytes.").format(
                    most=self.body_bytes
                ),
            )
        try:
            # people are answered while a large body is read
            words = await asyncio.to_thread(reading, body, self._known())
        except Unusable as error:
            log.warning("alerts could not be used", sender=sender, why=str(error))
            return refusal(error.status, str(error))
        try:
            # a sender that does not read that all were taken sends all of them again
            for begin in range(0, len(words), TOGETHER):
                await self.engine.alerts.told(sender, words[begin : begin + TOGETHER])
        except StoreError as error:
            log.error("alerts could not be written down", sender=sender, why=str(error))
            return refusal(503, str(error), STORE_AGAIN)
        return web.json_response({"taken": len(words)})


def refusal(status: int, sentence: str, again: int = 0) -> web.Response:
    """The answer that says why not, and *again* in how many seconds it may be tried."""
    answer = web.Response(
        status=status,
        text=json.dumps({"error": sentence}, ensure_ascii=False),
        content_type="application/json",
    )
    if again:
        answer.headers["Retry-After"] = str(again)
    return answer
