"""Alertmanager's webhook: what it is documented to send, and what it sends besides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.alerts import AlertState, Severity
from bot.core.plan import Thing
from tests.http.programs import ALERTMANAGER, Served

#: as https://prometheus.io/docs/alerting/latest/configuration/#webhook_config lays it out, with the
#: values of a real one
DOCUMENTED: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}/{severity="critical"}:{alertname="NodeDown"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "nounou",
    "groupLabels": {"alertname": "NodeDown"},
    "commonLabels": {"alertname": "NodeDown", "job": "node", "severity": "critical"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager.example.org:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "NodeDown",
                "instance": "fy.example.org:9100",
                "job": "node",
                "severity": "critical",
            },
            "annotations": {
                "summary": "fy answers no more",
                "description": "node_exporter on fy has been down for 5 minutes.",
                "runbook_url": "https://wiki.example.org/NodeDown",
            },
            "startsAt": "2026-02-06T13:08:45.828123456Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.org:9090/graph?g0.expr=up+%3D%3D+0",
            "fingerprint": "1a30ba71cca2921f",
        }
    ],
}
KEY = "1a30ba71cca2921f"


def webhook(**changes: Any) -> dict[str, Any]:
    """The documented webhook with *changes* in its one alert."""
    return {**DOCUMENTED, "alerts": [{**DOCUMENTED["alerts"][0], **changes}]}


def labelled(**labels: str) -> dict[str, Any]:
    return webhook(labels={"alertname": "A", **labels})


async def test_the_documented_webhook_becomes_an_alert_with_all_that_it_says(bot: Served) -> None:
    answer = await bot.post(ALERTMANAGER, DOCUMENTED)

    assert (answer.status, answer.text) == (200, '{"taken": 1}')
    alert = bot.standing()[KEY]
    assert (alert.source, alert.severity) == ("prometheus", Severity.CRITICAL)
    assert alert.title == "fy answers no more"
    assert alert.details == "node_exporter on fy has been down for 5 minutes."
    assert alert.hint == "Runbook: https://wiki.example.org/NodeDown"
    assert alert.url.startswith("http://prometheus.example.org:9090/graph")
    assert alert.objects == {(Thing.HOST, "fy")}
    began = datetime(2026, 2, 6, 13, 8, 45, 828123, UTC)
    assert alert.since == pytest.approx(began.timestamp())


async def test_the_same_webhook_again_is_the_same_alert_and_resolved_ends_it(bot: Served) -> None:
    await bot.post(ALERTMANAGER, DOCUMENTED)
    await bot.post(ALERTMANAGER, DOCUMENTED)
    number = bot.standing()[KEY].id

    answer = await bot.post(ALERTMANAGER, webhook(status="resolved"))

    assert (answer.status, bot.standing()) == (200, {})
    alert = await bot.engine.alerts.numbered(number)
    assert alert is not None
    assert (number, alert.state, alert.times) == (1, AlertState.RESOLVED, 1)


async def test_alerts_of_one_webhook_share_a_message(bot: Served) -> None:
    first = DOCUMENTED["alerts"][0]
    second = {**first, "fingerprint": "other", "status": "firing"}

    await bot.post(ALERTMANAGER, {**DOCUMENTED, "alerts": [first, second]})

    assert len({alert.post for alert in bot.standing().values()}) == 1
    assert len(bot.standing()) == 2


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.CRITICAL),
        ("page", Severity.CRITICAL),
        ("Error", Severity.CRITICAL),
        ("warning", Severity.WARNING),
        ("info", Severity.INFO),
        ("sev-7", Severity.WARNING),
        ("", Severity.WARNING),
    ],
)
async def test_severities_are_known_and_an_unknown_one_is_a_warning(
    bot: Served, word: str, severity: Severity
) -> None:
    await bot.post(ALERTMANAGER, labelled(severity=word))

    assert bot.standing()[KEY].severity is severity


@pytest.mark.parametrize(
    ("labels", "objects"),
    [
        ({"host": "fy"}, {(Thing.HOST, "fy")}),
        ({"instance": "https://fz.example.org:8443/metrics"}, {(Thing.HOST, "fz")}),
        ({"instance": "[::1]:9100"}, set()),
        ({"node": "unheard-of"}, set()),
        ({"job": "fy"}, set()),
        ({"domu": "vm", "dom0": "fz.example.org"}, {(Thing.DOMU, "vm"), (Thing.HOST, "fz")}),
    ],
)
async def test_labels_name_the_hosts_and_domus_that_the_bot_knows(
    bot: Served, labels: dict[str, str], objects: set[tuple[Thing, str]]
) -> None:
    bot.engine.inventory.guests["fy"] = frozenset({"vm"})
    await bot.post(ALERTMANAGER, labelled(**labels))

    assert bot.standing()[KEY].objects == objects


async def test_an_alert_that_says_next_to_nothing_is_not_lost(bot: Served) -> None:
    bare = {"version": "4", "alerts": [{"labels": {"alertname": "\x07"}, "annotations": None}]}

    for _again in range(2):
        assert (await bot.post(ALERTMANAGER, bare)).status == 200

    (alert,) = bot.standing().values()
    assert (alert.title, alert.state) == ("an alert without a name", AlertState.FIRING)


@pytest.mark.parametrize("starts", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "?", ""])
async def test_a_time_that_cannot_be_is_now(bot: Served, starts: str) -> None:
    await bot.post(ALERTMANAGER, webhook(startsAt=starts))

    assert bot.standing()[KEY].since == pytest.approx(bot.engine.clock(), abs=30)


async def test_alerts_that_were_left_out_are_spoken_of(bot: Served) -> None:
    await bot.post(ALERTMANAGER, {**DOCUMENTED, "truncatedAlerts": 7})

    assert "left out 7 more alerts" in bot.standing()[KEY].details


async def test_addresses_that_are_no_pages_are_not_shown(bot: Served) -> None:
    annotations = {"runbook_url": "javascript:alert(1)"}
    await bot.post(
        ALERTMANAGER, webhook(generatorURL="file:///etc/passwd", annotations=annotations)
    )

    alert = bot.standing()[KEY]
    assert (alert.url, alert.hint, alert.title) == ("", "", "NodeDown")


async def test_foreign_text_is_bounded_and_free_of_control_characters(bot: Served) -> None:
    text = "\x1b[31mred\x00 \u202e" + "x" * 100_000
    await bot.post(
        ALERTMANAGER,
        webhook(annotations={"summary": text, "description": text}, fingerprint=text),
    )

    (alert,) = bot.standing().values()
    assert len(alert.title) <= 300
    assert len(alert.details) <= 2001
    assert len(alert.key) <= 200
    assert all(part.replace("\n", "").isprintable() for part in (alert.title, alert.details))


@pytest.mark.parametrize("version", ["3", "5", "1", ""])
async def test_another_version_is_refused_by_its_name(bot: Served, version: str) -> None:
    answer = await bot.post(ALERTMANAGER, {**DOCUMENTED, "version": version})

    assert answer.status == 400
    assert answer.error == f"The webhook's version {version} is not known: 4 is."
