"""Rights: a verb pattern on an object pattern; deny wins, and nobody unknown may do anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.policy import Policy, Right, Rights, Role


def rights(*allow: str, deny: tuple[str, ...] = ()) -> Rights:
    return Rights(tuple(map(Right.parse, allow)), tuple(map(Right.parse, deny)))


@pytest.mark.parametrize("text", ["*", "domu.*", "domu.migrate", "domu.migrate on vm-*"])
def test_a_right_reads_as_it_was_written(text: str) -> None:
    assert str(Right.parse(text)) == text


@pytest.mark.parametrize("text", ["", "domu.migrate on", "on vm", "a b c", "a on b c", "a at b"])
def test_a_right_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Right.parse(text)


@pytest.mark.parametrize(
    ("held", "verb", "name", "may"),
    [
        (rights("*"), "domu.migrate", "vm", True),
        (rights("domu.*"), "domu.migrate", "vm", True),
        (rights("domu.*"), "volume.create", "vm", False),
        (rights("domu.migrate on vm-*"), "domu.migrate", "vm-1", True),
        (rights("domu.migrate on vm-*"), "domu.migrate", "vm", False),
        (rights("domu.migrate on vm-*"), "domu.show", "vm-1", False),
        (rights("*", deny=("domu.migrate on owl",)), "domu.migrate", "owl", False),
        (rights("*", deny=("domu.migrate on owl",)), "domu.migrate", "vm", True),
        (rights("*", deny=("domu.migrate on owl",)), "domu.show", "owl", True),
        (rights("domu.migrate on owl", deny=("*",)), "domu.migrate", "owl", False),
        (rights("domu.migrate on VM"), "domu.migrate", "vm", False),
        (rights(), "domu.migrate", "vm", False),
    ],
)
def test_rights_cover_objects(held: Rights, verb: str, name: str, may: bool) -> None:
    assert held.object(verb, name) is may


@pytest.mark.parametrize(
    ("held", "verb", "may"),
    [
        (rights("domu.migrate on vm-*"), "domu.migrate", True),
        (rights("domu.migrate on vm-*"), "domu.show", False),
        (rights("*", deny=("domu.*",)), "domu.migrate", False),
        (rights("*", deny=("domu.* on owl",)), "domu.migrate", True),
        (rights(), "bot.ping", False),
    ],
)
def test_a_verb_may_be_done_on_something(held: Rights, verb: str, may: bool) -> None:
    assert held.verb(verb) is may


@pytest.mark.parametrize(
    ("held", "may"),
    [
        (rights("*"), True),
        (rights("domu.migrate"), True),
        (rights("domu.migrate on vm-*"), False),
        (rights("*", deny=("domu.migrate on owl",)), False),
        (rights("*", deny=("domu.show on owl",)), True),
        (rights(), False),
    ],
)
def test_somebody_may_see_every_object_or_some_are_hidden(held: Rights, may: bool) -> None:
    assert held.every("domu.migrate") is may


POLICY = Policy(
    persons={"@nounou:here": "nounou", "@nounou:elsewhere": "nounou", "@apprenti:here": "apprenti"},
    roles={"nounou": ("admin",), "apprenti": ("looks", "learns"), "lost": ("no-such-role",)},
    rights={
        "admin": Role((Right("*"),)),
        "looks": Role((Right("*.show"), Right("domu.migrate", "vm"))),
        "learns": Role((Right("bot.ping"),), (Right("domu.migrate"),)),
    },
)


def test_a_person_may_have_several_chat_ids() -> None:
    assert POLICY.person("@nounou:here") == POLICY.person("@nounou:elsewhere") == "nounou"


def test_somebody_whom_the_config_does_not_name_is_nobody() -> None:
    assert POLICY.person("@stranger:here") is None
    assert POLICY.person("@NOUNOU:here") is None


def test_the_roles_of_a_person_add_up_and_any_denial_wins() -> None:
    held = POLICY.of("apprenti")

    assert held.object("domu.show", "vm")
    assert held.verb("bot.ping")
    assert not held.object("domu.migrate", "vm")
    assert not held.verb("domu.migrate")


@pytest.mark.parametrize("person", ["lost", "stranger", ""])
def test_without_a_role_there_is_no_right(person: str) -> None:
    assert POLICY.of(person) == Rights()
    assert not POLICY.of(person).verb("bot.ping")


VERBS = st.sampled_from(["domu.show", "domu.migrate", "volume.create", "bot.ping"])
NAMES = st.sampled_from(["vm", "vm-1", "owl", "*", "[", ""])
RIGHT = st.builds(
    Right,
    st.sampled_from(["*", "domu.*", "*.show", "domu.migrate", "volume.?reate"]),
    st.sampled_from(["*", "vm", "vm*", "o?l", "["]),
)
SOME = st.lists(RIGHT, max_size=4).map(tuple)


@given(SOME, SOME, VERBS, NAMES)
def test_what_may_be_done_on_an_object_may_be_done_at_all(
    allow: tuple[Right, ...], deny: tuple[Right, ...], verb: str, name: str
) -> None:
    held = Rights(allow, deny)

    if held.object(verb, name):
        assert held.verb(verb)
    if held.every(verb):
        assert held.object(verb, name)


@given(SOME, SOME, VERBS, NAMES, RIGHT)
def test_one_more_denial_never_grants(
    allow: tuple[Right, ...], deny: tuple[Right, ...], verb: str, name: str, more: Right
) -> None:
    before, after = Rights(allow, deny), Rights(allow, (*deny, more))

    assert not (after.object(verb, name) and not before.object(verb, name))
    assert not (after.verb(verb) and not before.verb(verb))
    assert not (after.every(verb) and not before.every(verb))


@given(SOME, VERBS, NAMES)
def test_a_denial_of_everything_leaves_nothing(
    allow: tuple[Right, ...], verb: str, name: str
) -> None:
    held = Rights(allow, (Right("*"),))

    assert not held.object(verb, name)
    assert not held.verb(verb)
