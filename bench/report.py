"""The figures as tables in Markdown, with the ratios to the last of each, of the same run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.measure import Figures, Harvest

_COLUMNS: dict[str, Callable[[Figures, Figures], str]] = {
    "": lambda each, _base: each.name,
    "p50 ms": lambda each, _base: f"{each.percentile(50) * 1000:.0f}",
    "over the last": lambda each, base: f"{each.percentile(50) / base.percentile(50):.2f}",
    "p95 ms": lambda each, _base: f"{each.percentile(95) * 1000:.0f}",
    "p95 over the last": lambda each, base: f"{each.percentile(95) / base.percentile(95):.2f}",
    "many at a time": lambda each, _base: _harvest(each.flood),
    "while stopped": lambda each, _base: _harvest(each.stopped),
    "CPU ms a ping": lambda each, _base: f"{each.cpu * 1000:.1f}",
    "CPU over the last": lambda each, base: f"{each.cpu / base.cpu:.1f}" if base.cpu else "–",
    "MiB at rest": lambda each, _base: f"{each.rest:.0f}",
    "MiB at the end": lambda each, _base: f"{each.end:.0f}",
    "start s": lambda each, _base: f"{each.start:.1f}",
}


def table(figures: Sequence[Figures]) -> str:
    """One row a contestant."""
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
