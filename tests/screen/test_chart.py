"""Pictures of clocks: what is seen on them, what is not hidden, always the same."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.core.chat import Picture
from bot.core.clock_trend import trend
from bot.core.clocks import Reading, Sample
from bot.screen.chart import Chart, Mark, _runs, plot

END = 1_800_000_000.0
DAY, HOUR = 86400.0, 3600.0
LINE, NOTICE, TROUBLE, STEP, MARK = (
    (114, 159, 207),
    (196, 160, 0),
    (245, 121, 0),
    (239, 41, 41),
    (173, 127, 168),
)


def drifting(first: float = 0.0, last: float = 0.0, every: float = 300.0) -> list[Sample]:
    """A day of readings, from one offset to another."""
    count = int(DAY / every)
    return [
        Sample.of(END - DAY + n * every, Reading(first + (last - first) * n / count, 0.002))
        for n in range(count + 1)
    ]


def chart(samples: list[Sample], **more: object) -> Chart:
    steps = trend(samples).steps
    return Chart("vm", "ntp1", END - DAY, END, samples, steps, **more)  # type: ignore[arg-type]


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


def drawn(samples: list[Sample], **more: object) -> Image.Image:
    return opened(plot(chart(samples, **more), "vm.png"))


def places(
    image: Image.Image, colour: tuple[int, int, int], about: int = 14
) -> list[tuple[int, int]]:
    """The pixels that are about of *colour*."""
    apart = np.abs(np.asarray(image, dtype=int) - np.array(colour)).max(axis=2)
    return [(int(x), int(y)) for y, x in np.argwhere(apart < about)]


def columns(image: Image.Image, colour: tuple[int, int, int], about: int = 14) -> set[int]:
    return {x for x, _y in places(image, colour, about)}


def test_a_picture_has_the_size_of_a_phone_and_the_name_that_was_asked_for() -> None:
    picture = plot(chart(drifting(0, 0.06)), "vm.png")

    assert picture.name == "vm.png"
    assert picture.size == (900, 450)
    assert len(picture.png) < 150_000


def test_a_clock_that_drifts_goes_up_over_the_whole_width() -> None:
    image = drawn(drifting(0.0, 0.06))

    found = places(image, LINE)
    left, right = min(found), max(found)
    assert right[0] - left[0] > 750
    assert left[1] - right[1] > 200
    assert columns(image, NOTICE), "the threshold that it crossed is there"
    assert not columns(image, TROUBLE), "and none that is out of view"


def test_where_nothing_was_measured_no_line_is() -> None:
    samples = [each for each in drifting() if not END - DAY / 2 < each.at < END - DAY / 4]

    found = columns(drawn(samples), LINE)

    assert {200, 400, 480, 720, 850} <= found
    assert not found & set(range(500, 680))


def test_hours_that_were_put_together_are_one_line_with_readings_after_it() -> None:
    hours = [
        Sample(END - DAY + n * HOUR, Reading(0.01, 0.002), 0.005, 0.015, 12) for n in range(12)
    ]
    readings = [Sample.of(END - DAY / 2 + n * 300, Reading(0.01, 0.002)) for n in range(145)]

    assert len(list(_runs([*hours, *readings], set()))) == 1
    assert len(list(_runs([*hours[:5], *hours[8:]], set()))) == 2


def test_one_huge_outlier_does_not_hide_the_milliseconds() -> None:
    samples = drifting(-0.015, 0.015)
    samples[100] = Sample.of(samples[100].at, Reading(300.0, 0.002))

    found = places(drawn(samples), LINE)

    heights = [y for x, y in found if x < 350]
    assert max(heights) - min(heights) > 15


def test_a_step_and_a_migration_are_marked() -> None:
    samples = [*drifting()[:100], *drifting(1.5, 1.5)[100:]]
    image = drawn(samples, marks=[Mark(END - DAY / 4, "moved to fz")])

    at = 99 + 100 / 288 * 788
    assert any(abs(x - at) < 4 for x in columns(image, STEP, 60))
    assert any(abs(x - (99 + 0.75 * 788)) < 3 for x in columns(image, MARK, 40))
    assert not any(abs(x - at) < 3 and 120 < y < 250 for x, y in places(image, LINE)), (
        "a jump is no line"
    )


@pytest.mark.parametrize("samples", [[], drifting()[:1], drifting()[:2]])
def test_with_next_to_nothing_there_is_still_a_picture(samples: list[Sample]) -> None:
    image = drawn(samples)

    assert image.size == (900, 450)
    assert bool(places(image, LINE)) is bool(samples)


def test_the_same_clock_makes_the_same_bytes_in_several_threads_at_once() -> None:
    wanted = [
        chart(drifting(0.0, last), zone=ZoneInfo("Europe/Paris")) for last in (0.01, 0.4, 9.0, 0.0)
    ]
    alone = [plot(each, "vm.png").png for each in wanted]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda each: plot(each, "vm.png").png, wanted * 2))

    assert together == alone * 2
    assert len(set(alone)) == 4


def test_what_is_foreign_is_drawn_as_text() -> None:
    strange = "$\\frac{a}{b}$ \x1b[31m\n" + "x" * 300
    what = Chart(strange, strange, END - DAY, END, drifting(), marks=[Mark(END - 100, strange)])

    assert plot(what, "vm.png").size == (900, 450)


def test_matplotlib_is_imported_for_the_first_picture_and_pyplot_never() -> None:
    program = (
        "import sys; from bot.screen.chart import Chart, plot; early = 'matplotlib' in sys.modules;"
        "plot(Chart('vm', 'ntp1', 0, 86400, ()), 'x.png');"
        "print(early, 'matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout.split() == ["False", "True", "False"]


offsets = st.one_of(st.floats(-1e-3, 1e-3), st.floats(-1, 1), st.floats(-1e9, 1e9))
readings = st.builds(
    lambda at, offset, bound, count: Sample(
        END - at, Reading(offset, bound), offset - bound / 3, offset + bound / 2, count
    ),
    st.floats(0, 7 * DAY),
    offsets,
    st.floats(0, 1e4),
    st.integers(1, 20),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(readings, max_size=12, unique_by=lambda each: each.at), st.floats(60, 90 * DAY))
def test_whatever_was_measured_makes_a_picture(samples: list[Sample], span: float) -> None:
    samples.sort(key=lambda each: each.at)
    found = trend(samples)

    picture = plot(Chart("vm", "ntp1", END - span, END, samples, found.steps), "vm.png")

    assert picture.size == (900, 450)
