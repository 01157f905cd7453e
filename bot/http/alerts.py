"""Alerts that other programs send: each is on disk before its sender reads that it was taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.core.alerts import Finding, Severity, Told
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
class _Way:
    """One of the addresses at which alerts are taken."""

    reading: Reading
    #: the answers to what may be tried again
    too_often: int
    too_slow: int
    #: nobody sees what its senders are answered, so the room is told what is wrong with it
    unseen: bool


# Alertmanager repeats a request only where the answer is 5xx, for its webhook names no other code:
# notify/webhook/webhook.go (New) and notify/util.go (Retrier.Check) of prometheus/alertmanager.
# After 429 or 408 it would give the notification up.
_WAYS = {
    "/alerts/alertmanager": _Way(told_by_alertmanager, 503, 503, unseen=True),
    "/alerts": _Way(told_plainly, 429, 408, unseen=False),
}


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
        for path, way in _WAYS.items():
            app.router.add_post(path, self._taking(way))

    def _taking(self, way: _Way) -> Serving:
        async def take(request: web.Request) -> web.Response:
            sender = self.senders.named(request.headers.get("Authorization", ""))
            if sender is None:
                return self._stranger(request)
            if wait := self.senders.wait(sender):
                return refusal(way.too_often, _("That is too often."), wait)
            if request.headers.get("Content-Encoding", "identity") != "identity":
                return refusal(415, _("Send the body as it is, not packed."))
            try:
                async with asyncio.timeout(self.patience):
                    body = await self._body(request)
            except TimeoutError:
                return refusal(way.too_slow, _("The body took too long to arrive."), 1)
            except (web.RequestPayloadError, ConnectionError):
                return refusal(400, _("The body is not as its headers say."))
            return await self._take(sender, way, body)

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

    async def _take(self, sender: str, way: _Way, body: bytes | None) -> web.Response:
        try:
            try:
                words = await self._read(way, body)
            except Unusable as error:
                log.warning("alerts could not be used", sender=sender, why=str(error))
                if way.unseen:
                    await self._tell(sender, [_unusable(sender, str(error), firing=True)])
                return refusal(error.status, str(error))
            usable = [_unusable(sender, "", firing=False)] if way.unseen else []
            await self._tell(sender, words + usable)
        except StoreError as error:
            log.error("alerts could not be written down", sender=sender, why=str(error))
            return refusal(503, str(error), STORE_AGAIN)
        return web.json_response({"taken": len(words)})

    async def _read(self, way: _Way, body: bytes | None) -> list[Told]:
        if body is None:
            most = self.body_bytes
            raise Unusable(
                _("The body is larger than http.body_bytes, {most} bytes.").format(most=most), 413
            )
        # people are answered while a large body is read
        return await asyncio.to_thread(way.reading, body, self._known())

    async def _tell(self, sender: str, words: list[Told]) -> None:
        # a sender that does not read that all were taken sends all of them again
        for begin in range(0, len(words), TOGETHER):
            await self.engine.alerts.told(sender, words[begin : begin + TOGETHER])


def _unusable(sender: str, why: str, *, firing: bool) -> Told:
    """The alert that what *sender* sends cannot be used, or can be again."""
    return Told(
        Finding(
            key="nounou-unusable",
            severity=Severity.WARNING,
            title=_("what {sender} sends cannot be used: {why}").format(sender=sender, why=why),
            hint=_("Until that is mended, alerts from there may be missing; see docs/http.md."),
        ),
        firing,
    )


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
