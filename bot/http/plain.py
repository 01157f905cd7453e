"""Alerts as plain JSON, for scripts: one object, or a list of them.

It is read strictly: who writes such a line by hand learns at once which key is wrong.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.core.alerts import Finding, Severity, Told
from bot.core.plan import Thing
from bot.http.payload import Known, Many, Unusable, read, web_address
from bot.i18n import _

#: what may stand before the name of an object, as in host:fy
KINDS = {
    "domu": Thing.DOMU,
    "vm": Thing.DOMU,
    "host": Thing.HOST,
    "dom0": Thing.HOST,
    "volume": Thing.VOLUME,
}

Short = Annotated[str, Field(min_length=1, max_length=200)]
Object = Annotated[str, Field(pattern=r"^([a-z0-9]+:)?[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Short
    summary: Annotated[str, Field(max_length=1000)] = ""
    severity: Literal["info", "warning", "critical"] = "warning"
    status: Literal["firing", "resolved"] = "firing"
    objects: Annotated[list[Object], Field(max_length=100)] = []
    description: Annotated[str, Field(max_length=10_000)] = ""
    url: Annotated[str, Field(max_length=1000)] = ""
    key: Annotated[str, Field(max_length=200)] = ""
    group: Annotated[str, Field(max_length=200)] = ""


_ONE = TypeAdapter(_Plain)
_MANY: TypeAdapter[list[_Plain]] = TypeAdapter(Many[_Plain])


def told_plainly(body: bytes, known: Known) -> list[Told]:
    """What *body* tells; raises `Unusable`."""
    alerts = read(_MANY, body) if body.lstrip()[:1] == b"[" else [read(_ONE, body)]
    return [_told(alert, known.hosts) for alert in alerts]


def _told(alert: _Plain, hosts: frozenset[str]) -> Told:
    if alert.url and not web_address(alert.url):
        raise Unusable(_("url cannot be used: it has to begin with https:// or http://."))
    finding = Finding(
        key=alert.key or alert.name,
        severity=Severity[alert.severity.upper()],
        title=alert.summary.strip() or alert.name,
        objects=frozenset(_object(text, hosts) for text in alert.objects),
        details=alert.description,
        url=alert.url,
        group=alert.group,
    )
    return Told(finding, firing=alert.status == "firing")


def _object(text: str, hosts: frozenset[str]) -> tuple[Thing, str]:
    kind, colon, name = text.rpartition(":")
    if not colon:
        return (Thing.HOST if name in hosts else Thing.DOMU, name)
    if kind not in KINDS:
        raise Unusable(
            _("objects cannot be used: {kind} is none of {known}.").format(
                kind=kind, known=", ".join(KINDS)
            )
        )
    return (KINDS[kind], name)
