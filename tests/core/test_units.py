"""Sizes: binary units in, binary units out; times as people write and read them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.units import Size, moment, span
from bot.errors import UsageError


@pytest.mark.parametrize(
    ("text", "count"),
    [("1KiB", 1024), ("512MiB", 512 * 2**20), ("40GiB", 40 * 2**30), ("2TiB", 2 * 2**40)],
)
def test_a_size_is_read_in_binary_units(text: str, count: int) -> None:
    assert Size.parse(text) == count


@pytest.mark.parametrize(
    "text", ["40GB", "40G", "40", "", "40 GiB", "-1GiB", "1.5GiB", "40gib", "9999999GiB", "٤GiB"]
)
def test_what_an_array_and_a_person_read_differently_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        Size.parse(text)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (Size(0), "0 B"),
        (Size(1023), "1023 B"),
        (Size(1024), "1 KiB"),
        (Size.mib(512), "512 MiB"),
        (Size.mib(1536), "1.5 GiB"),
        (Size(20 * 2**30), "20 GiB"),
        (Size(5 * 2**40), "5 TiB"),
    ],
)
def test_a_size_is_shown_in_the_unit_that_people_would_take(size: Size, said: str) -> None:
    assert str(size) == said
    assert f"{size}" == said


@given(st.text(max_size=20))
def test_reading_a_size_raises_nothing_but_usage_errors(text: str) -> None:
    with suppress(UsageError):
        assert Size.parse(text) >= 0


@given(st.integers(0, 999_999))
def test_whole_sizes_survive_being_shown(count: int) -> None:
    size = Size.mib(count % 1024)

    assert Size.parse(str(size).replace(" ", "").replace("0B", "0KiB")) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("30min", 1800), ("2h", 7200), ("1h30m", 5400), ("7d", 604800)],
)
def test_a_length_of_time_is_read(text: str, seconds: int) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-2h", "1.5h", "2h!", "2H", "٢h", "2hours"])
def test_what_is_no_length_of_time_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="is not a length of time"):
        span(text)


@given(st.text(max_size=30))
def test_any_text_is_a_length_of_time_or_an_error(text: str) -> None:
    with suppress(UsageError):
        assert span(text) >= 0


def test_a_moment_of_another_day_is_said_with_its_day() -> None:
    noon = 1_800_014_400.0

    assert moment(noon + 3600, noon) == "13:00 UTC"
    assert moment(noon + 86400, noon) == "2027-01-16 12:00 UTC"
