"""A right that somebody granted gives what its giver has, and nothing more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.policy import Asked, Right, Rights, Rule
from tests.core.test_policy import HELD, NAMES, rights
from tests.core.test_right import FEW, WITH_OTHERS


def granted(right: str, *giver: str, deny: tuple[str, ...] = ()) -> Rights:
    """*right* from somebody who has the rights *giver* now, and no other right."""
    return Rights((Rule(Right.parse(right), "grant 1", rights(*giver, deny=deny)),))


def move(name: str, to: str = "fz") -> Asked:
    return Asked("domu.migrate", (name,), {"domu": (name,), "to": (to,)})


@pytest.mark.parametrize(
    ("held", "asked", "may"),
    [
        (granted("domu.migrate", "domu.*"), move("vm"), True),
        (granted("domu.migrate"), move("vm"), False),
        (granted("domu.migrate", "domu.show"), move("vm"), False),
        (granted("domu.migrate", "domu.migrate on vm"), move("vm"), True),
        (granted("domu.migrate", "domu.migrate on vm"), move("owl"), False),
        (granted("domu.migrate", "domu.migrate to fy"), move("vm", "fz"), False),
        (granted("domu.migrate", "domu.migrate to fy"), move("vm", "fy"), True),
        (granted("domu.migrate", "domu.*", deny=("* on owl",)), move("owl"), False),
        (granted("domu.migrate", "domu.*", deny=("* on owl",)), move("vm"), True),
        (granted("domu.migrate on vm", "*"), move("owl"), False),
    ],
)
def test_a_grant_counts_where_its_giver_may_do_the_same_now(
    held: Rights, asked: Asked, may: bool
) -> None:
    assert held.decide(asked).allowed is may


def test_what_the_giver_lost_is_not_even_looked_up() -> None:
    held = granted("domu.migrate", "domu.migrate on vm to fy")

    assert not granted("domu.migrate", "domu.show").verb("domu.migrate")
    assert held.verb("domu.migrate")
    assert not held.every("domu.migrate")
    assert [held.object("domu.migrate", name) for name in ("vm", "owl")] == [True, False]
    assert held.limits("domu.migrate", "to")
    assert [held.argument("domu.migrate", "to", name) for name in ("fy", "fz")] == [True, False]


def test_what_was_granted_is_not_ones_own_to_grant() -> None:
    held = granted("domu.migrate", "*")

    assert not held.within(Right.parse("domu.migrate on vm")).allowed


#: what a person has who has some rights of their own and some that were granted
WITH_GRANTS = st.builds(
    Rights,
    st.lists(st.builds(Rule, FEW, st.just("grant"), st.none() | HELD), max_size=3).map(tuple),
    st.lists(FEW.map(Rule), max_size=2).map(tuple),
)


@settings(max_examples=500)
@given(FEW, HELD, WITH_OTHERS)
def test_a_grant_alone_gives_nothing_that_its_giver_may_not_do(
    right: Right, giver: Rights, asked: Asked
) -> None:
    if Rights((Rule(right, "grant", giver),)).decide(asked).allowed:
        assert giver.decide(asked).allowed


@settings(max_examples=500)
@given(WITH_GRANTS, WITH_OTHERS, NAMES)
def test_what_is_looked_at_first_hides_nothing_that_may_be_done(
    held: Rights, asked: Asked, name: str
) -> None:
    if held.decide(asked).allowed:
        assert held.verb(asked.verb, objects=bool(asked.objects) or asked.filters)
        assert all(held.object(asked.verb, each) for each in asked.objects)
        for parameter, typed in asked.arguments.items():
            assert all(held.argument(asked.verb, parameter, word) for word in typed)
    if held.every(asked.verb):
        assert held.object(asked.verb, name)


@settings(max_examples=500)
@given(WITH_GRANTS, WITH_OTHERS)
def test_what_may_be_done_with_any_words_may_be_done_with_these(held: Rights, asked: Asked) -> None:
    if held.whatever(asked.verb) is not None:
        assert held.decide(asked).allowed
