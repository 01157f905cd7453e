"""Asking a site's pages without a wire."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client.parser import text_string_to_metric_families

from bot.engine.engine import Engine
from bot.http import health, metrics


async def get(engine: Engine, path: str, token: str | None = None, **headers: str) -> web.Response:
    """What the pages of *engine* answer, where figures need *token*."""
    app = web.Application()
    metrics.add_routes(app, engine, token)
    health.add_routes(app, engine)
    request = make_mocked_request("GET", path, headers=headers)
    found = await app.router.resolve(request)
    answer = await found.handler(request)
    assert isinstance(answer, web.Response)
    return answer


async def figures(engine: Engine) -> dict[tuple[str, ...], float]:
    """The figures of *engine*, by name and labels, as Prometheus reads them."""
    answer = await get(engine, "/metrics")
    assert isinstance(answer.body, bytes)
    return {
        (sample.name, *(f"{label}={value}" for label, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }
