"""The server for other programs, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.engine.engine import Engine
from bot.errors import ConfigError
from bot.http import health, metrics
from bot.http.alerts import Door, Serving
from bot.http.senders import Senders
from bot.i18n import _


def _is_of_the_bot(record: logging.LogRecord) -> bool:
    """Whether *record* is about a mistake of the bot's, not of a program's that speaks no HTTP.

    Of such a one aiohttp would quote the line that is wrong, which may be the one with a token.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


_log = logging.getLogger("bot.http")
_log.addFilter(_is_of_the_bot)


@dataclass(frozen=True)
class Listening:
    """Where the bot listens, to whom, and within which limits."""

    address: str
    port: int
    #: by the name of who sends
    tokens: Mapping[str, str] = field(repr=False)
    body_bytes: int
    requests_a_minute: int
    #: seconds for a body to arrive
    patience: float
    #: seconds for open requests to be answered at the end
    stop: float
    #: what a reader of figures has to show; None: nothing
    metrics_token: str | None = field(default=None, repr=False)


@asynccontextmanager
async def listening(engine: Engine, where: Listening) -> AsyncIterator[int]:
    """Serve other programs meanwhile; yields the port.

    Raises `ConfigError` where the bot cannot listen there.
    """
    _demand_own_names(engine, where)
    runner = web.AppRunner(
        _site(engine, where),
        access_log=None,
        logger=_log,
        shutdown_timeout=where.stop,
        # a small packed body may be a large one
        auto_decompress=False,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, where.address, where.port).start()
        except OSError as error:
            raise ConfigError(
                _("the bot cannot listen on {address} port {port}: {why}").format(
                    address=where.address, port=where.port, why=error.strerror or error
                ),
                hint=_("end what listens there, or write another http.port or http.listen"),
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _demand_own_names(engine: Engine, where: Listening) -> None:
    """What a watch no longer sees is over, so no program may send under a watch's name."""
    for name in sorted({watch.name for watch in engine.watches} & where.tokens.keys()):
        raise ConfigError(
            _("http.tokens: {name} is the name of a watch").format(name=name),
            hint=_("write another name for who sends"),
        )


def _site(engine: Engine, where: Listening) -> web.Application:
    @web.middleware
    async def counted(request: web.Request, handler: Serving) -> web.StreamResponse:
        resource = request.match_info.route.resource
        # what strangers ask for must not become a label each
        path = resource.canonical if resource is not None else "other"
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            engine.tally.requests[path, error.status] += 1
            raise
        engine.tally.requests[path, answer.status] += 1
        return answer

    site = web.Application(middlewares=[counted])
    clock = asyncio.get_running_loop().time
    senders = Senders(where.tokens, where.requests_a_minute, clock)
    Door(engine, senders, where.body_bytes, where.patience).add_routes(site)
    metrics.add_routes(site, engine, where.metrics_token)
    health.add_routes(site, engine)
    return site
