"""``/healthz`` and ``/readyz``: whether the bot lives, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bot.engine import store
from bot.engine.engine import Engine
from bot.errors import StoreError

#: what is said of a check that is passed
_OK = "ok"


def add_routes(app: web.Application, engine: Engine) -> None:
    """Let *app* answer ``/healthz`` and ``/readyz``: 200 where all is well, else 503."""

    async def healthz(_request: web.Request) -> web.Response:
        return _answer({"listening": _listening(engine)})

    async def readyz(_request: web.Request) -> web.Response:
        checks = {"chat": _chat(engine), "store": await _store(engine), "jobs": _jobs(engine)}
        return _answer(checks)

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


def _answer(checks: Mapping[str, str]) -> web.Response:
    well = all(said == _OK for said in checks.values())
    return web.json_response({"ok": well, "checks": checks}, status=200 if well else 503)


def _listening(engine: Engine) -> str:
    alive = engine.pulse is None or engine.pulse.alive
    return _OK if alive else "the loop that listens to the chat hangs"


def _chat(engine: Engine) -> str:
    if engine.pulse is None:
        return _OK
    silence = engine.pulse.silence
    if silence is None:
        return "not heard yet"
    # from then on commands count as late, so nobody's would just be done
    return _OK if silence <= engine.timing.away else f"not heard for {silence:.0f} s"


async def _store(engine: Engine) -> str:
    """Whether it can be read now and was written last time: there is a time each few seconds."""
    try:
        async with engine.store.read() as tx:
            await store.get(tx, "schema")
    except StoreError:
        return "cannot be read"
    return "cannot be written" if engine.store.failing else _OK


def _jobs(engine: Engine) -> str:
    return _OK if engine.recovered else "those of before the start are being looked after"
