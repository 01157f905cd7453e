"""Alertmanager's webhook, version 4, as alerts of the bot.

Its format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.  It is read
leniently: what is missing or odd in one alert loses none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter

from bot.core.alerts import Finding, Objects, Severity, Told
from bot.core.plan import Thing
from bot.core.text import clean
from bot.http.payload import Known, Many, Unusable, read, web_address
from bot.i18n import _

#: labels that may name a thing of the site
NAMING = ("domu", "dom0", "vm", "guest", "host", "hostname", "instance", "node", "volume")
SEVERITIES = {
    "critical": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "error": Severity.CRITICAL,
    "warning": Severity.WARNING,
    "info": Severity.INFO,
    "none": Severity.INFO,
}
#: characters of one text that are looked at; the engine keeps fewer
_LONGEST = 4000


def _or_empty(kind: type) -> BeforeValidator:
    """Go writes null for what is empty."""
    return BeforeValidator(lambda value: kind() if value is None else value)


Text = Annotated[str, _or_empty(str)]
Labels = Annotated[dict[str, Text], _or_empty(dict)]


class _Alert(BaseModel):
    status: Text = "firing"
    labels: Labels = {}
    annotations: Labels = {}
    starts_at: Text = Field("", alias="startsAt")
    generator_url: Text = Field("", alias="generatorURL")
    fingerprint: Text = ""


class _Webhook(BaseModel):
    version: str
    group_key: Text = Field("", alias="groupKey")
    truncated: int = Field(0, alias="truncatedAlerts", ge=0)
    alerts: Annotated[Many[_Alert], _or_empty(list)]


_WEBHOOK = TypeAdapter(_Webhook)


def told_by_alertmanager(body: bytes, known: Known) -> list[Told]:
    """What the webhook's *body* tells; raises `Unusable`."""
    webhook = read(_WEBHOOK, body)
    if webhook.version != "4":
        raise Unusable(
            _("The webhook's version {version} is not known: 4 is.").format(
                version=clean(webhook.version, 20)
            )
        )
    return [
        Told(
            Finding(
                key=alert.fingerprint or _hash(alert.labels),
                severity=_severity(alert.labels),
                title=_title(alert),
                objects=_objects(alert.labels, known),
                details=_details(alert, webhook.truncated),
                hint=_hint(alert.annotations),
                url=web_address(alert.generator_url[:_LONGEST]),
                group=webhook.group_key,
                since=_since(alert.starts_at, known.now),
            ),
            firing=alert.status != "resolved",
        )
        for alert in webhook.alerts
    ]


def _hash(labels: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def _severity(labels: Mapping[str, str]) -> Severity:
    # a word that the bot does not know may mean anything: nobody should miss it
    return SEVERITIES.get(labels.get("severity", "").strip().lower(), Severity.WARNING)


def _title(alert: _Alert) -> str:
    texts = (alert.annotations.get("summary", ""), alert.labels.get("alertname", ""))
    shown = (clean(text) for text in texts)
    return next(filter(None, shown), "") or _("an alert without a name")


def _details(alert: _Alert, truncated: int) -> str:
    details = alert.annotations.get("description", "")[:_LONGEST]
    if not truncated:
        return details
    more = _("Alertmanager left out {count} more alerts of this group (max_alerts).").format(
        count=truncated
    )
    return f"{details}\n{more}"


def _hint(annotations: Mapping[str, str]) -> str:
    runbook = web_address(annotations.get("runbook_url", "")[:_LONGEST])
    return _("Runbook: {url}").format(url=runbook) if runbook else ""


def _objects(labels: Mapping[str, str], known: Known) -> Objects:
    """The hosts and DomUs that *labels* name, as far as the bot knows them."""
    found: set[tuple[Thing, str]] = set()
    for value in (labels[label][:_LONGEST] for label in NAMING if label in labels):
        for name in _names(value):
            if name in known.hosts:
                found.add((Thing.HOST, name))
            if name in known.domus:
                found.add((Thing.DOMU, name))
    return frozenset(found)


def _names(value: str) -> tuple[str, ...]:
    """*value*, without scheme, path and port, and without the domain as well."""
    address = value.strip().partition("://")[2] or value.strip()
    host = address.partition("/")[0].partition(":")[0]
    return (value.strip(), host, host.partition(".")[0])


def _since(text: str, now: float) -> float | None:
    """When it began; None where the time cannot be, as Go's 0001-01-01T00:00:00Z."""
    try:
        when: Any = datetime.fromisoformat(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    seconds = float(when.timestamp())
    return seconds if 0 < seconds <= now else None
