"""What the consoles of real guests say, wherever their output is cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.core.console import Condition, Notice, examine
from bot.screen.terminal import replay

RECORDINGS = Path(__file__).parents[1] / "data" / "xen-4.17"


def only(text: str) -> Notice:
    notices = examine(replay(text))
    assert len(notices) == 1, notices
    return notices[0]


def recorded(name: str) -> str:
    [path] = RECORDINGS.glob(f"{name}*.json")
    text = json.loads(path.read_text(encoding="utf-8"))["stdout"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("name", ["42-", "85-", "86-", "87-", "91-", "shadow-pv-console"])
def test_each_recording_ends_at_a_login_prompt_and_shows_nothing_worse(name: str) -> None:
    notice = only(recorded(name))

    assert notice.condition is Condition.LOGIN
    assert notice.evidence.endswith(("alpha login:", "gamma login:"))


@pytest.mark.parametrize(
    ("name", "until", "condition", "evidence"),
    [
        ("85-", "Password: ", Condition.PASSWORD, "Password:"),
        ("85-", "commands.\r\n\r\n~ # \x1b[6n", Condition.ROOT_SESSION, "~ #"),
        ("85-", "~ # \x1b[6ndate; upt", Condition.ROOT_SESSION, "~ # date; upt"),
        ("85-", "/run\r\n~ # \x1b[6n", Condition.ROOT_SESSION, "~ #"),
        ("85-", "Mon Nov 23 07:59:10 UTC 2026\r\n", Condition.UNKNOWN, None),
        ("86-", "login: root\r\n", Condition.UNKNOWN, None),
        ("86-", "Password: \r\nLogin incorrect\r\n", Condition.UNKNOWN, None),
        ("87-", "gamma login: [  342.315330] clock", Condition.LOGIN, "gamma login:"),
        ("87-", "cs_nsec: 1183304408 wd_nsec: 1183296540\r\n", Condition.LOGIN, "gamma login:"),
        ("87-", "law.\r\n\x1b[?2004hroot@gamma:~# ", Condition.ROOT_SESSION, "root@gamma:~#"),
        ("87-", "chronyc -n", Condition.ROOT_SESSION, "root@gamma:~# date; uptime; chronyc"),
        ("87-", "UTC 2026\r\n\x1b[?2004hroot@gamma:~# exit", Condition.ROOT_SESSION, None),
        ("87-", "logout\r\n", Condition.UNKNOWN, None),
        ("87-", "Starting ", Condition.UNKNOWN, None),
        ("91-", "capacity to 131072\r\n~ # ", Condition.ROOT_SESSION, "~ #"),
    ],
)
def test_a_recording_cut_where_something_waits_shows_it(
    name: str, until: str, condition: Condition, evidence: str | None
) -> None:
    text = recorded(name)
    notice = only(text[: text.index(until) + len(until)])

    assert notice.condition is condition
    assert evidence is None or evidence in notice.evidence


@pytest.mark.parametrize("name", ["42-", "85-", "86-", "87-", "91-", "shadow-pv-console"])
def test_no_recording_shows_trouble_wherever_it_is_cut(name: str) -> None:
    text = recorded(name)
    quiet = {
        Condition.LOGIN,
        Condition.PASSWORD,
        Condition.ROOT_SESSION,
        Condition.UNKNOWN,
    }

    for end in range(0, len(text), max(1, len(text) // 30)):
        assert {n.condition for n in examine(replay(text[:end]))} <= quiet, text[
            max(0, end - 200) : end
        ]
