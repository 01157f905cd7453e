"""What a line at the prompt asks of the site."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo import wishes
from bot.demo.completion import LOCAL
from bot.errors import UsageError


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("/fault clear", {"do": "clear"}),
        ("/fault cut", {"do": "fault", "name": "cut", "where": "", "match": ""}),
        ("/fault hang fz list", {"do": "fault", "name": "hang", "where": "fz", "match": "list"}),
        ("/console vm panic", {"do": "console", "where": "vm", "scene": "panic"}),
        ("/clock vm step -1.5", {"do": "clock", "where": "vm", "step": -1.5}),
        ("/clock fy drift 80", {"do": "clock", "where": "fy", "drift": 80.0}),
        ("/clock vm stray 4.294967296", {"do": "clock", "where": "vm", "stray": 4.294967296}),
        ("/clock vm moved 1.5", {"do": "clock", "where": "vm", "moved": 1.5}),
        ("/clock vm independent no", {"do": "clock", "where": "vm", "independent": "no"}),
        ("/clock fy clocksource tsc", {"do": "clock", "where": "fy", "clocksource": "tsc"}),
        ("/clock vm service dead", {"do": "clock", "where": "vm", "service": "dead"}),
        ("/clock vm server dead", {"do": "clock", "where": "vm", "server": {"answers": False}}),
        ("/link vm 0.2", {"do": "link", "where": "vm", "delay": 0.2}),
        (
            "/link vm 0.2 0.01 0.9",
            {"do": "link", "where": "vm", "delay": 0.2, "jitter": 0.01, "there": 0.9},
        ),
    ],
)
def test_a_line_becomes_a_request(line: str, wanted: dict[str, Any]) -> None:
    assert wishes.request(line.split()) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "/fault",
        "/fault hang fz xl list",
        "/console vm",
        "/clock",
        "/clock vm",
        "/clock vm step",
        "/clock vm step fast",
        "/clock vm step nan",
        "/clock vm step inf",
        "/clock vm service ill",
        "/clock vm dance 1",
        "/link vm",
        "/link vm 1 2 3 4",
        "/link vm slow",
    ],
)
def test_a_line_that_asks_nothing_says_how_to_write_it(line: str) -> None:
    with pytest.raises(UsageError, match=f"^write: {line.split()[0]}"):
        wishes.request(line.split())


@given(st.sampled_from(wishes.WORDS), st.lists(st.text()))
def test_whatever_is_typed_is_a_request_or_refused(word: str, more: list[str]) -> None:
    try:
        wanted = wishes.request([word, *more])
    except UsageError:
        return
    assert wanted["do"] in {"clear", "fault", "console", "clock", "link"}


def test_each_of_these_words_is_completed() -> None:
    assert set(wishes.WORDS) <= set(LOCAL)
