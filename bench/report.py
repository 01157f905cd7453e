"""The figures as a table in Markdown, with the ratios to the floor of the same run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.measure import Figures, Harvest

_COLUMNS: dict[str, Callable[[Figures, Figures], str]] = {
    "": lambda each, _floor: each.name,
    "p50 ms": lambda each, _floor: f"{each.percentile(50) * 1000:.0f}",
    "over floor": lambda each, floor: f"{each.percentile(50) / floor.percentile(50):.2f}",
    "p95 ms": lambda each, _floor: f"{each.percentile(95) * 1000:.0f}",
    "p95 over floor": lambda each, floor: f"{each.percentile(95) / floor.percentile(95):.2f}",
    "many at a time": lambda each, _floor: _harvest(each.flood),
    "while stopped": lambda each, _floor: _harvest(each.stopped),
    "CPU ms a ping": lambda each, _floor: f"{each.cpu * 1000:.1f}",
    "CPU over floor": lambda each, floor: f"{each.cpu / floor.cpu:.1f}" if floor.cpu else "–",
    "MiB at rest": lambda each, _floor: f"{each.rest:.0f}",
    "MiB at the end": lambda each, _floor: f"{each.end:.0f}",
    "start s": lambda each, _floor: f"{each.start:.1f}",
}


def table(figures: Sequence[Figures]) -> str:
    """One row a contestant; the last one is the floor."""
    rows = [list(_COLUMNS), ["---"] * len(_COLUMNS)]
    rows += [[say(each, figures[-1]) for say in _COLUMNS.values()] for each in figures]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _harvest(harvest: Harvest | None) -> str:
    assert harvest is not None
    trouble = [
        f"{count} {what}"
        for count, what in ((harvest.repeated, "repeated"), (harvest.misplaced, "out of order"))
        if count
    ]
    order = ", ".join(trouble) or "in order, once"
    return f"{harvest.answered} of {harvest.posted}, {order} ({harvest.seconds:.1f} s)"
