"""What a hold bars: the thing that it was placed on, by name and by what it is in truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.holds import Aim, Hold, HoldKind, against, aim_of
from bot.core.plan import Plan, Thing
from bot.core.units import Size

UUID = "11111111-2222-3333-4444-555555555555"
WWN = f"600c{1:028x}"


def hold(
    kind: HoldKind, name: str = "vm", identity: str = "", *, until: float | None = None
) -> Hold:
    return Hold(1, kind, name, identity, "a reason", "anna", 1, 0.0, until)


def touching(*things: tuple[Thing, str]) -> Aim:
    return Aim(frozenset(things))


@pytest.mark.parametrize(
    ("placed", "touched"),
    [
        (hold(HoldKind.DOMU), (Thing.DOMU, "vm")),
        (hold(HoldKind.DOMU, "vm", UUID), (Thing.UUID, UUID)),
        (hold(HoldKind.HOST, "fz"), (Thing.HOST, "fz")),
        (hold(HoldKind.VOLUME, "vm-root"), (Thing.VOLUME, "vm-root")),
        (hold(HoldKind.VOLUME, "vm-root", WWN), (Thing.WWN, WWN)),
    ],
)
def test_a_hold_bars_whoever_touches_the_thing(placed: Hold, touched: tuple[Thing, str]) -> None:
    assert placed.bars(touching(touched))
    assert not placed.bars(touching((touched[0], f"{touched[1]}0")))


@pytest.mark.parametrize(
    ("placed", "touched"),
    [
        (hold(HoldKind.DOMU, "vm"), (Thing.VOLUME, "vm")),
        (hold(HoldKind.DOMU, "vm"), (Thing.HOST, "vm")),
        (hold(HoldKind.VOLUME, "vm"), (Thing.DOMU, "vm")),
        (hold(HoldKind.HOST, "vm"), (Thing.DOMU, "vm")),
        (hold(HoldKind.DOMU, "vm", ""), (Thing.UUID, "")),
        (hold(HoldKind.VOLUME, "vm", ""), (Thing.WWN, "")),
        (hold(HoldKind.DOMU, "vm", WWN), (Thing.WWN, WWN)),
        (hold(HoldKind.VOLUME, "vm", UUID), (Thing.UUID, UUID)),
        (hold(HoldKind.DOMU, "vm"), (Thing.LUN, "vm")),
    ],
)
def test_a_hold_bars_nothing_of_another_kind(placed: Hold, touched: tuple[Thing, str]) -> None:
    assert not placed.bars(touching(touched))


def test_maintenance_lets_guests_leave_and_takes_none_in() -> None:
    maintenance = hold(HoldKind.MAINTENANCE, "fz")

    assert maintenance.bars(Aim(arrivals=frozenset({"fz"})))
    assert not maintenance.bars(touching((Thing.HOST, "fz")))
    assert not maintenance.bars(Aim(arrivals=frozenset({"fy"})))
    assert not hold(HoldKind.HOST, "fz").bars(Aim(arrivals=frozenset({"fz"})))


def test_the_aim_is_what_is_named_and_what_the_plan_found() -> None:
    plan = Plan(memory={"fz": Size.mib(512)}, touches=frozenset({(Thing.UUID, UUID)}))
    named = (("domu", "vm"), ("dom0", "fz"), ("volume", "vm-root"), ("job", "7"), ("any", "x"))

    assert aim_of(named, plan) == Aim(
        frozenset(
            {
                (Thing.DOMU, "vm"),
                (Thing.HOST, "fz"),
                (Thing.VOLUME, "vm-root"),
                (Thing.UUID, UUID),
            }
        ),
        frozenset({"fz"}),
    )
    assert aim_of((("domu", "vm"),)) == touching((Thing.DOMU, "vm"))


def test_a_hold_says_who_until_when_and_why() -> None:
    said = hold(HoldKind.DOMU, until=7200.0).sentence(60.0)

    assert said == "DomU vm is held by anna until 02:00 UTC: a reason"
    said = hold(HoldKind.VOLUME, "vm-root").sentence(86400.0)
    assert said == (
        "volume vm-root is held by anna since 1970-01-01 00:00 UTC, until it is released: a reason"
    )
    said = hold(HoldKind.MAINTENANCE, "fz").sentence(60.0)
    assert said == (
        "Dom0 fz is in maintenance since 00:00 UTC and takes no guest in (anna): a reason"
    )


def test_two_holds_are_about_one_thing_by_its_name_or_its_identity() -> None:
    mine = hold(HoldKind.DOMU, "vm", UUID)

    assert mine.same_thing(hold(HoldKind.DOMU, "vm"))
    assert mine.same_thing(hold(HoldKind.DOMU, "renamed", UUID))
    assert not mine.same_thing(hold(HoldKind.DOMU, "owl"))
    assert not mine.same_thing(hold(HoldKind.VOLUME, "vm", UUID))
    assert not hold(HoldKind.DOMU, "vm").same_thing(hold(HoldKind.DOMU, "owl"))
    assert not hold(HoldKind.HOST, "fz").same_thing(hold(HoldKind.MAINTENANCE, "fz"))


#: few enough names that things meet
names = st.sampled_from(["a", "b", "c", ""])
things = st.frozensets(st.tuples(st.sampled_from(list(Thing)), names), max_size=6)
aims = st.builds(Aim, things, st.frozensets(names, max_size=3))
holds = st.builds(
    Hold,
    id=st.integers(1, 99),
    kind=st.sampled_from(list(HoldKind)),
    name=names.filter(bool),
    identity=names,
    reason=st.just("a reason"),
    by=names,
    job=st.just(1),
    since=st.just(0.0),
    until=st.none(),
)


@given(st.lists(holds), aims, aims)
def test_whoever_touches_more_is_barred_by_as_much_at_least(
    placed: list[Hold], one: Aim, other: Aim
) -> None:
    both = Aim(one.touches | other.touches, one.arrivals | other.arrivals)

    assert set(against(placed, one)) <= set(against(placed, both))
    assert set(against(placed, both)) == {*against(placed, one), *against(placed, other)}


@given(st.lists(holds))
def test_what_touches_nothing_and_brings_nothing_is_barred_by_nothing(placed: list[Hold]) -> None:
    assert against(placed, Aim()) == []


@given(holds, aims)
def test_a_hold_never_bars_by_an_identity_that_nobody_knows(placed: Hold, aim: Aim) -> None:
    named = (placed.kind.name, placed.name) in {(kind.name, name) for kind, name in aim.touches}
    if not placed.identity and placed.kind is not HoldKind.MAINTENANCE:
        assert placed.bars(aim) is named


@given(holds, holds)
def test_to_be_about_one_thing_goes_both_ways(one: Hold, other: Hold) -> None:
    assert one.same_thing(other) is other.same_thing(one)
    assert one.same_thing(one)
