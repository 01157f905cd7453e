"""Alerts as plain JSON: what a script writes by hand, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.alerts import Severity
from bot.core.plan import Thing
from tests.http.programs import PLAIN, Served


async def test_a_name_is_enough(bot: Served) -> None:
    answer = await bot.post(PLAIN, {"name": "backup"})

    assert (answer.status, answer.text) == (200, '{"taken": 1}')
    alert = bot.standing()["backup"]
    assert (alert.title, alert.severity) == ("backup", Severity.WARNING)


async def test_everything_that_can_be_said_arrives(bot: Served) -> None:
    await bot.post(
        PLAIN,
        {
            "name": "backup",
            "summary": "The backup of vm failed",
            "severity": "critical",
            "objects": ["vm", "fy", "host:fz", "volume:daath-vm"],
            "description": "rsync ended with 23\nsee the log",
            "url": "https://backup.example.org/vm",
            "key": "backup/vm",
            "group": "backups",
        },
    )

    alert = bot.standing()["backup/vm"]
    assert (alert.title, alert.severity) == ("The backup of vm failed", Severity.CRITICAL)
    assert alert.details == "rsync ended with 23\nsee the log"
    assert alert.url == "https://backup.example.org/vm"
    assert alert.objects == {
        (Thing.DOMU, "vm"),
        (Thing.HOST, "fy"),
        (Thing.HOST, "fz"),
        (Thing.VOLUME, "daath-vm"),
    }


async def test_a_list_is_taken_as_a_whole_and_resolved_ends_what_it_names(bot: Served) -> None:
    await bot.post(PLAIN, [{"name": "a"}, {"name": "b"}])
    answer = await bot.post(PLAIN, [{"name": "a", "status": "resolved"}, {"name": "c"}])

    assert answer.text == '{"taken": 2}'
    assert set(bot.standing()) == {"b", "c"}


async def test_two_senders_with_the_same_key_have_two_alerts(bot: Served) -> None:
    await bot.post(PLAIN, {"name": "disk"})
    await bot.post(PLAIN, {"name": "disk"}, "a-token-of-cron")
    await bot.post(PLAIN, {"name": "disk", "status": "resolved"})

    assert [alert.source for alert in bot.engine.alerts.standing] == ["cron"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "name cannot be used: Field required."),
        ({"name": ""}, "name cannot be used: String should have at least 1 character."),
        ({"name": "a", "serverity": "info"}, "There is no key serverity here."),
        ([{"name": "a"}, {"name": "b", "x": 1}], "There is no key 1.x here."),
        (
            {"name": "a", "severity": "bad"},
            "severity cannot be used: Input should be 'info', 'warning' or 'critical'.",
        ),
        (
            {"name": "a", "objects": ["cat:x"]},
            "objects cannot be used: cat is none of domu, vm, host, dom0, volume.",
        ),
        ({"name": "a", "url": "ftp://x/"}, "url cannot be used"),
        ({"name": "a", "objects": ["a b"]}, "objects.0 cannot be used"),
        ("text", "The body cannot be used"),
        (b"{", "The body cannot be used: Invalid JSON: EOF"),
        (b"", "The body cannot be used: Invalid JSON: EOF"),
        (b'{"name": "\xff\xfe"}', "The body cannot be used: Invalid JSON"),
        ('{"name": "a"}'.encode("utf-16"), "The body cannot be used: Invalid JSON"),
        (b"[" * 100_000, "The body cannot be used: Invalid JSON: recursion limit"),
        (b'{"name": ' * 100_000, "The body cannot be used: Invalid JSON: recursion limit"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_taken(
    bot: Served, body: Any, sentence: str
) -> None:
    answer = await bot.post(PLAIN, body)

    assert (answer.status, bot.standing()) == (400, {})
    assert answer.error.startswith(sentence)


async def test_a_mark_of_byte_order_is_no_harm(bot: Served) -> None:
    assert (await bot.post(PLAIN, b'\xef\xbb\xbf[{"name": "a"}]')).status == 200
