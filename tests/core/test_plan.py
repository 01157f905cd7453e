"""A plan: the card with its ticks, and what a later look at the world says otherwise."""

from __future__ import annotations

from bot.core.plan import Line, Plan, Verdict
from bot.core.units import Size

BEFORE = Plan(
    lines=(Line(Verdict.YES, "vm runs on fy"),),
    keys=frozenset({"domu/vm", "links/fy"}),
    memory={"fz": Size.mib(512)},
    essence=("vm runs on fy", "volume 600c"),
)


def test_what_nobody_looked_at_is_never_ticked() -> None:
    assert str(Line(Verdict.UNCHECKED, "its bridges exist")) == "? its bridges exist: not checked"


def test_a_line_names_the_command_that_showed_it() -> None:
    assert str(Line(Verdict.YES, "vm runs on fy", "xl list")) == "✔ vm runs on fy  [xl list]"
    assert str(Line(Verdict.LATER, "a link is missing")) == "… a link is missing"


def test_only_a_cross_is_a_failure() -> None:
    lines = tuple(Line(verdict, verdict.name) for verdict in Verdict)

    assert [line.text for line in Plan(lines).failures] == ["NO"]


def test_a_world_that_stood_still_makes_no_difference() -> None:
    later = Plan(
        lines=(Line(Verdict.YES, "another wording"),),
        keys=BEFORE.keys,
        essence=tuple(reversed(BEFORE.essence)),
        facts="other facts",
    )

    assert BEFORE.difference(later) == []


def test_a_world_that_moved_is_told_line_by_line() -> None:
    later = Plan(keys=frozenset({"domu/vm", "links/fz"}), essence=("vm runs on fz", "volume 600c"))

    assert BEFORE.difference(later) == [
        "- vm runs on fy",
        "+ vm runs on fz",
    ]


def test_keys_that_changed_are_a_difference_by_themselves() -> None:
    later = Plan(keys=BEFORE.keys | {"volume/600d"}, essence=BEFORE.essence)

    assert BEFORE.difference(later) == ["± volume/600d"]
