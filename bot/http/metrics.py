"""``/metrics``: what the bot counted since its start, and how it stands, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from itertools import accumulate
from math import isinf
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from bot.core.alerts import OPEN, Severity
from bot.core.jobs import ENDED, WAITING, State
from bot.core.tally import CLASSES, Tally
from bot.engine import audit_log, schema
from bot.engine.engine import Engine
from bot.engine.outbox_rows import WAITING as UNSENT
from bot.errors import StoreError

#: what stands for a room that the config does not name: of private chats there may be any number
_OTHER = "other"
_JOBS = tuple(state for state in State if state not in ENDED or state is State.UNDETERMINED)


def add_routes(app: web.Application, engine: Engine, token: str | None) -> None:
    """Let *app* answer ``/metrics``, where *token* is given to those alone who show it."""

    async def metrics(request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if token is not None and not compare_digest(shown, f"Bearer {token}".encode()):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        registry = CollectorRegistry()
        registry.register(Figures(engine, await read(engine)))
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        return web.Response(body=generate_latest(registry), headers=headers)

    app.router.add_get("/metrics", metrics)


@dataclass(frozen=True)
class Kept:
    """What only the store knows."""

    jobs: Mapping[str, int] = field(default_factory=dict)
    unsent: Mapping[str, int] = field(default_factory=dict)
    entries: int = 0


async def read(engine: Engine) -> Kept | None:
    """What the store has now; None where it cannot be read."""
    jobs, outbox = schema.jobs.c, schema.outbox.c
    names = [state.value for state in _JOBS]
    by_state = select(jobs.state, func.count()).where(jobs.state.in_(names)).group_by(jobs.state)
    by_room = select(outbox.room, func.count()).where(outbox.state == UNSENT).group_by(outbox.room)
    try:
        async with engine.store.read() as tx:
            found = {state: count for state, count in await tx.execute(by_state)}
            waiting = [(room, count) for room, count in await tx.execute(by_room)]
            entries, _hash = await audit_log.head(tx)
    except StoreError:
        return None
    unsent = Counter(dict.fromkeys(engine.rooms.names, 0))
    for room, count in waiting:
        unsent[room if room in unsent else _OTHER] += count
    return Kept({name: found.get(name, 0) for name in names}, unsent, entries)


class Figures(Collector):
    """All figures of *engine* at one moment, with what the store *kept*, for an own registry."""

    def __init__(self, engine: Engine, kept: Kept | None) -> None:
        self._engine = engine
        self._kept = kept

    def collect(self) -> Iterator[Metric]:
        """Every family, each once."""
        yield from _counted(self._engine.tally)
        yield from _standing(self._engine)
        yield from _clocks(self._engine)
        yield _gauge(
            "nounou_store_readable", "1 while the store can be read", self._kept is not None
        )
        if self._kept is not None:
            yield from _stored(self._kept)


def _counted(tally: Tally) -> Iterator[Metric]:
    yield _counters("nounou_jobs", "Jobs that ended", ("verb", "state"), tally.jobs)
    durations = HistogramMetricFamily(
        "nounou_job_duration_seconds",
        "From the command to its final answer",
        labels=["verb"],
    )
    for verb, known in sorted(tally.durations.items()):
        ends = (*CLASSES, float("inf"))
        sums = accumulate(known.counts[end] for end in ends)
        buckets = [
            ("+Inf" if isinf(end) else str(end), count)
            for end, count in zip(ends, sums, strict=True)
        ]
        durations.add_metric([verb], buckets, known.total)
    yield durations
    yield _counters(
        "nounou_device_calls", "Calls of hosts and arrays", ("device", "result"), tally.calls
    )
    yield _counters("nounou_alerts_fired", "Alerts that fired", ("source", "severity"), tally.fired)
    yield _counters(
        "nounou_http_requests", "Requests of other programs", ("path", "status"), tally.requests
    )


def _standing(engine: Engine) -> Iterator[Metric]:
    found = Counter((alert.state, alert.severity) for alert in engine.alerts.standing)
    alerts = {
        (state.value, severity.name.lower()): found[state, severity]
        for state in OPEN
        for severity in Severity
    }
    yield _gauges("nounou_alerts", "Open alerts", ("state", "severity"), alerts)
    yield _gauge("nounou_incidents_open", "Open incidents", len(engine.incidents.open))
    silence = engine.pulse.silence if engine.pulse is not None else None
    if silence is not None:
        yield _gauge("nounou_sync_age_seconds", "Since the chat was last heard from", silence)
    yield _gauge("nounou_up_seconds", "Since the bot started", engine.clock() - engine.started)
    yield _gauges("nounou_info", "What runs", ("version",), {(engine.version,): 1})


def _clocks(engine: Engine) -> Iterator[Metric]:
    """What was measured last; nothing before the first time."""
    sweep = engine.clocks.last
    if sweep is None:
        return
    found = {
        (each.whose.role.value, each.whose.name): offset
        for each in sweep.measured
        if each.whose != sweep.reference
        if (offset := sweep.offset(each.whose)) is not None
    }
    offsets = {labels: offset.offset for labels, offset in found.items()}
    bounds = {labels: offset.bound for labels, offset in found.items()}
    names = ("role", "name")
    yield _gauges("nounou_clock_offset_seconds", "Ahead of the reference", names, offsets)
    yield _gauges("nounou_clock_bound_seconds", "What that may be wrong by", names, bounds)
    yield _gauge("nounou_clock_age_seconds", "Since all were measured", engine.clock() - sweep.at)


def _stored(kept: Kept) -> Iterator[Metric]:
    jobs = {(state,): count for state, count in kept.jobs.items()}
    yield _gauges("nounou_jobs_open", "Jobs that have not ended, by state", ("state",), jobs)
    waiting = sum(kept.jobs.get(state.value, 0) for state in WAITING)
    yield _gauge("nounou_queue", "Jobs that wait and go on by themselves", waiting)
    unsent = {(room,): count for room, count in kept.unsent.items()}
    yield _gauges("nounou_outbox_waiting", "Posts that wait to be sent", ("room",), unsent)
    yield _gauge("nounou_record_entries", "Entries of the record", kept.entries)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _gauges(name: str, about: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for label, value in values.items():
        family.add_metric(label, value)
    return family


def _counters(name: str, about: str, labels: tuple[str, ...], values: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(name, about, labels=labels)
    for label, value in sorted(values.items()):
        family.add_metric([str(each) for each in label], value)
    return family
