"""Who may do what: deny wins, one rule decides, and nobody unknown may do anything."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.policy import Asked, Policy, Right, Rights, Role, Rule
from tests.core.test_right import ASKED, FEW, ROOM, WITH_OTHERS, gives


def rules(*texts: str) -> tuple[Rule, ...]:
    return tuple(Rule(Right.parse(text), f"rule {n}") for n, text in enumerate(texts, 1))


def rights(*allow: str, deny: tuple[str, ...] = ()) -> Rights:
    return Rights(rules(*allow), rules(*deny))


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
        "admin": Role((Right.parse("*"),)),
        "looks": Role((Right.parse("*.show"), Right.parse("domu.migrate on vm"))),
        "learns": Role((Right.parse("bot.ping"),), (Right.parse("domu.migrate"),)),
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


MIGRATE = Asked("domu.migrate", ("vm-1",), {"domu": ("vm-1",), "to": ("fz",)})
BOTH = Asked("domu.stop", ("vm-1", "web-1"), {"domus": ("vm-1", "web-1")})
PING = Asked("bot.ping")
LIST = Asked("domu.list", filters=True)
CANCEL = Asked("job.cancel", (), {"number": ("41",)})


@pytest.mark.parametrize(
    ("held", "asked", "may", "rule"),
    [
        (rights("*"), MIGRATE, True, "rule 1"),
        (rights(), MIGRATE, False, None),
        (rights("domu.show", "domu.migrate on vm-* to fz"), MIGRATE, True, "rule 2"),
        (rights("domu.migrate on vm-* to fy"), MIGRATE, False, None),
        (rights("*", deny=("bot.*", "domu.migrate to fz")), MIGRATE, False, "rule 2"),
        (rights("*", deny=("domu.migrate to fy",)), MIGRATE, True, "rule 1"),
        (rights("domu.stop on vm-*", "domu.stop on web-*"), BOTH, True, "rule 1"),
        (rights("domu.stop on vm-*"), BOTH, False, None),
        (rights("*", deny=("domu.* on web-*",)), BOTH, False, "rule 1"),
        (rights("* on vm-*"), PING, False, None),
        (rights("*", deny=("* on daath-*",)), PING, True, "rule 1"),
        (rights("* on vm-*"), LIST, True, "rule 1"),
        (rights("job.cancel on vm-*"), CANCEL, False, None),
        (rights("job.cancel number 4?"), CANCEL, True, "rule 1"),
    ],
)
def test_one_rule_decides_or_none_does(
    held: Rights, asked: Asked, may: bool, rule: str | None
) -> None:
    decision = held.decide(asked)

    assert decision.allowed is may
    assert (decision.rule.source if decision.rule else None) == rule


def test_a_decision_knows_the_object_that_nothing_allows() -> None:
    assert rights("domu.stop on vm-*").decide(BOTH).object == "web-1"


@pytest.mark.parametrize(
    ("held", "objects", "may"),
    [
        (rights("job.cancel on vm-*"), False, False),
        (rights("job.cancel on vm-*"), True, True),
        (rights("job.cancel"), False, True),
        (rights("job.cancel", deny=("job.* on vm-*",)), False, True),
        (rights("job.cancel number 4?"), False, True),
        (rights("job.cancel", deny=("job.cancel number 4?",)), False, True),
    ],
)
def test_rights_on_some_objects_give_nothing_where_there_are_none(
    held: Rights, objects: bool, may: bool
) -> None:
    assert held.verb("job.cancel", objects=objects) is may


@pytest.mark.parametrize(
    ("held", "word", "may", "limited"),
    [
        (rights("*"), "fz", True, False),
        (rights("domu.migrate to fz"), "fz", True, True),
        (rights("domu.migrate to fz"), "fy", False, True),
        (rights("domu.migrate to fz", "domu.migrate on web-*"), "fy", True, False),
        (rights("*", deny=("domu.migrate to fy",)), "fy", False, True),
        (rights("*", deny=("domu.migrate to fy",)), "fz", True, True),
        (rights("*", deny=("domu.migrate on owl to fy",)), "fy", True, False),
        (rights("*", deny=("domu.show to fy",)), "fy", True, False),
    ],
)
def test_some_words_may_stand_as_an_argument(
    held: Rights, word: str, may: bool, limited: bool
) -> None:
    assert held.argument("domu.migrate", "to", word) is may
    assert held.limits("domu.migrate", "to") is limited


def test_a_right_for_some_rooms_counts_there_only() -> None:
    here = Role((Right.parse("* in #here"),), (Right.parse("domu.* in #there"),))
    policy = Policy({}, {"anna": ("some",)}, {"some": here})

    assert policy.of("anna", "#here").verb("domu.show")
    assert not policy.of("anna", "#there").verb("bot.ping")
    assert not policy.of("anna").verb("bot.ping")
    assert len(policy.everywhere("anna").deny) == 1


def test_a_rule_says_where_it_comes_from() -> None:
    assert list(map(str, POLICY.of("apprenti").allow)) == [
        "*.show (role looks)",
        "domu.migrate on vm (role looks)",
        "bot.ping (role learns)",
    ]


@pytest.mark.parametrize(
    ("right", "held", "rule"),
    [
        ("domu.migrate on vm-1", rights("domu.migrate on vm-*"), True),
        ("domu.migrate on vm-*", rights("domu.migrate on vm-1"), False),
        ("domu.migrate", rights("domu.migrate on vm-*"), False),
        ("domu.migrate on vm-1, web-1", rights("domu.* on vm-*", "domu.* on web-*"), True),
        ("domu.migrate, domu.stop", rights("domu.migrate", "domu.stop"), True),
        ("domu.*", rights("domu.migrate", "domu.stop"), False),
        ("domu.migrate on vm-1", rights("domu.migrate to fz"), False),
        ("domu.migrate on vm-1 to fz", rights("domu.migrate to fz"), True),
        ("domu.migrate to fy, fz", rights("domu.migrate to fz"), False),
        ("domu.migrate in #a:b", rights("domu.migrate in #a:*"), True),
        ("domu.migrate", rights("domu.migrate in #a:*"), False),
        ("volume.* on vm-*", rights("volume.* except daath-*"), True),
        ("volume.* on daath-1", rights("volume.* except daath-*"), False),
        ("volume.* except daath-*, owl", rights("volume.* except daath-*"), True),
        ("volume.* except daath-1", rights("volume.* except daath-*"), False),
        ("*", rights("* on **"), False),
        ("domu.migrate on vm", rights("*", deny=("domu.migrate on owl",)), True),
        ("domu.migrate on *w*", rights("*", deny=("domu.migrate on owl",)), False),
        ("domu.migrate on vm", rights("*", deny=("domu.migrate to fy",)), False),
        ("domu.migrate on vm to fz", rights("*", deny=("domu.migrate to fy",)), True),
        ("domu.migrate except owl", rights("*", deny=("domu.migrate on owl",)), True),
        ("domu.migrate in #a", rights("*", deny=("* in #b",)), True),
        ("domu.migrate", rights("*", deny=("* in #b",)), False),
    ],
)
def test_nobody_holds_more_than_their_rights(right: str, held: Rights, rule: bool) -> None:
    assert held.within(Right.parse(right)).allowed is rule


def test_what_stands_against_a_right_is_named() -> None:
    held = rights("*", deny=("bot.*", "domu.* on owl"))

    decision = held.within(Right.parse("domu.migrate on o*"))

    assert str(decision.rule) == "domu.* on owl (rule 2)"
    assert rights("bot.*").within(Right.parse("domu.*")).rule is None


SOME = st.lists(FEW.map(Rule), max_size=4).map(tuple)
NAMES = st.sampled_from(["a", "b", "ab", "*", "[", ""])
HELD = st.builds(Rights, SOME, SOME)


@given(HELD, WITH_OTHERS, NAMES)
def test_what_may_be_done_on_an_object_may_be_done_at_all(
    held: Rights, asked: Asked, name: str
) -> None:
    if held.object(asked.verb, name):
        assert held.verb(asked.verb)
    if held.every(asked.verb):
        assert held.object(asked.verb, name)


@given(HELD, WITH_OTHERS)
def test_what_is_decided_first_says_no_only_where_all_words_would_be_denied(
    held: Rights, asked: Asked
) -> None:
    """The verb alone, each object, each word: none of them forbids what the whole allows."""
    if held.decide(asked).allowed:
        assert held.verb(asked.verb, objects=bool(asked.objects) or asked.filters)
        assert all(held.object(asked.verb, name) for name in asked.objects)
        assert all(
            held.argument(asked.verb, parameter, word)
            for parameter, words in asked.arguments.items()
            for word in words
        )


@given(HELD, WITH_OTHERS, FEW)
def test_one_more_denial_never_grants(before: Rights, asked: Asked, more: Right) -> None:
    after = Rights(before.allow, (*before.deny, Rule(more)))

    assert before.decide(asked).allowed or not after.decide(asked).allowed
    assert before.verb(asked.verb) or not after.verb(asked.verb)
    assert before.every(asked.verb) or not after.every(asked.verb)


@given(SOME, WITH_OTHERS)
def test_a_denial_of_everything_leaves_nothing(allow: tuple[Rule, ...], asked: Asked) -> None:
    held = Rights(allow, rules("*"))

    assert not held.decide(asked).allowed
    assert not held.verb(asked.verb)


@settings(max_examples=500)
@given(HELD, FEW, ASKED, ROOM)
def test_what_lies_within_rights_gives_nothing_that_they_do_not(
    held: Rights, right: Right, asked: Asked, room: str
) -> None:
    if held.within(right).allowed and gives(right, asked, room):
        there = Rights(
            tuple(rule for rule in held.allow if rule.right.has_room(room)),
            tuple(rule for rule in held.deny if rule.right.has_room(room)),
        )
        assert there.decide(asked).allowed
