"""A right: how it is written and read, what it speaks of, and whether it lies within others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.patterns import wildcards
from bot.core.right import MOST_WILDCARDS, Asked, Right, speaks_of

ALL = (
    "domu.migrate, domu.destroy on web-*, mail except web-db dry_run true to fy, fz "
    "in #nounou:example.org, !abc:example.org"
)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "domu.*",
        "domu.migrate",
        "domu.migrate on vm-*",
        "domu.migrate on vm-* to fz",
        "volume.* except daath-*",
        "* in #nounou:example.org",
        "domu.migrate, domu.destroy on web-* except web-db to fy, fz",
        "job.cancel number 41",
        ALL,
    ],
)
def test_a_right_reads_as_it_was_written(text: str) -> None:
    assert str(Right.parse(text)) == text


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("volume.* on * except daath-*", "volume.* except daath-*"),
        ("domu.migrate to fz on vm-*", "domu.migrate on vm-* to fz"),
        ("domu.migrate ,domu.stop", "domu.migrate, domu.stop"),
        ("  domu.migrate   on  vm ", "domu.migrate on vm"),
        ("domu.migrate dry-run true", "domu.migrate dry_run true"),
        ("x.y in #a:b to fz except c on d", "x.y on d except c to fz in #a:b"),
        ("x.y z 1 a 2", "x.y a 2 z 1"),
    ],
)
def test_the_order_of_the_clauses_is_free(written: str, same: str) -> None:
    assert Right.parse(written) == Right.parse(same)
    assert str(Right.parse(written)) == same


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with a verb"),
        (", domu.migrate", "begins with a verb"),
        ("domu.migrate,", "begins with a verb"),
        ("Domu.migrate", "'Domu.migrate' is not a pattern of verbs"),
        ("rm;ls", "'rm;ls' is not a pattern of verbs"),
        ("domu.migrate on", "nothing stands behind 'on'"),
        ("domu.migrate on vm,", "nothing stands behind 'on'"),
        ("domu.migrate on , vm", "nothing stands behind 'on'"),
        ("domu.migrate to", "nothing stands behind 'to'"),
        ("domu.migrate in", "no room stands behind 'in'"),
        ("domu.migrate on vm on owl", "'on' stands there twice"),
        ("domu.migrate dry-run true dry_run true", "'dry_run' stands there twice"),
        ("domu.migrate ON vm", "'ON' cannot begin a clause"),
        ("domu.migrate on vm 1x y", "'1x' cannot begin a clause"),
        ("domu.migrate in nounou", "'nounou' is neither a room's alias nor its id"),
        ("domu.migrate on é", "'é' is not a pattern of names"),
        ("x " * 600, "1000 signs at most"),
        ("domu.* on " + ", ".join(f"v{n}" for n in range(60)), "60 names and patterns at most"),
        ("domu.migrate on " + "a*" * 21, "20 wildcards .* at most; write several rights"),
        ("domu.migrate on " + ", ".join(["v?"] * 21), "20 wildcards"),
    ],
)
def test_what_is_no_right_is_refused_in_a_sentence(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Right.parse(text)


_NAME = st.text("abcd-*?[]!", min_size=1, max_size=5)
_NAMES = st.lists(_NAME, min_size=1, max_size=3).map(tuple)
_ARGUMENTS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
        lambda name: name not in ("on", "except", "in")
    ),
    _NAMES,
    max_size=3,
)
WRITTEN = st.builds(
    Right,
    _NAMES,
    _NAMES,
    st.just(()) | _NAMES,
    _ARGUMENTS.map(lambda given: tuple(sorted(given.items()))),
    st.lists(_NAME.map("#{}".format), max_size=2).map(tuple),
).filter(lambda right: sum(map(wildcards, str(right))) <= MOST_WILDCARDS)


@given(WRITTEN)
def test_any_right_can_be_written_and_read_again(right: Right) -> None:
    assert Right.parse(str(right)) == right


@given(st.text(max_size=60) | st.text("abc.*, on#in", max_size=30))
def test_any_text_is_a_right_or_is_refused_in_a_sentence(text: str) -> None:
    try:
        right = Right.parse(text)
        why = ""
    except ValueError as error:
        why = str(error)
    assert why.isprintable()
    assert len(why) < 150
    assert why or Right.parse(str(right)) == right


MIGRATE = Asked("domu.migrate", ("vm-1",), {"domu": ("vm-1",), "to": ("fz",)}, others=("fz",))
PING = Asked("bot.ping")
LIST = Asked("domu.list", filters=True)
RELEASE = Asked("job.release", (), {"jobs": ("41", "42")})


@pytest.mark.parametrize(
    ("text", "asked", "name", "does"),
    [
        ("*", MIGRATE, "vm-1", True),
        ("domu.*", MIGRATE, "vm-1", True),
        ("domu.stop, domu.migrate", MIGRATE, "vm-1", True),
        ("domu.stop", MIGRATE, "vm-1", False),
        ("domu.migrate on vm-*", MIGRATE, "vm-1", True),
        ("domu.migrate on web, vm-?", MIGRATE, "vm-1", True),
        ("domu.migrate on VM-*", MIGRATE, "vm-1", False),
        ("domu.migrate except vm-1", MIGRATE, "vm-1", False),
        ("domu.migrate except vm-2", MIGRATE, "vm-1", True),
        ("domu.migrate to fz", MIGRATE, "vm-1", True),
        ("domu.migrate to fy, f[xz]", MIGRATE, "vm-1", True),
        ("domu.migrate to fy", MIGRATE, "vm-1", False),
        ("domu.migrate to fz dry_run true", MIGRATE, "vm-1", False),
        ("domu.migrate nix *", MIGRATE, "vm-1", False),
        ("*", PING, None, True),
        ("* on *", PING, None, True),
        ("domu.migrate on fz", MIGRATE, "vm-1", False),
        ("domu.migrate except fz", MIGRATE, "vm-1", True),
        ("* on vm-*", PING, None, False),
        ("* except vm-*", PING, None, False),
        ("* on vm-*", LIST, None, True),
        ("job.release jobs 4?", RELEASE, None, True),
        ("job.release jobs 41", RELEASE, None, False),
    ],
)
def test_what_a_right_allows(text: str, asked: Asked, name: str | None, does: bool) -> None:
    assert Right.parse(text).allows(asked, name) is does


@pytest.mark.parametrize(
    ("text", "asked", "does"),
    [
        ("*", MIGRATE, True),
        ("domu.migrate on vm-*", MIGRATE, True),
        ("domu.migrate on owl", MIGRATE, False),
        ("domu.migrate except vm-*", MIGRATE, False),
        ("domu.migrate except owl", MIGRATE, True),
        ("domu.migrate to fz", MIGRATE, True),
        ("domu.migrate on owl to fz", MIGRATE, False),
        ("domu.migrate to fy", MIGRATE, False),
        ("domu.migrate dry_run true", MIGRATE, False),
        ("*", PING, True),
        ("* on fz", MIGRATE, True),
        ("domu.* on web, f?", MIGRATE, True),
        ("* on f* except fz", MIGRATE, False),
        ("* on fy", MIGRATE, False),
        ("* except vm-1", MIGRATE, False),
        ("* on daath-*", MIGRATE, False),
        ("* on fz", PING, False),
        ("* on daath-*", PING, False),
        ("* on vm", LIST, False),
        ("job.release jobs 41", RELEASE, True),
        ("domu.migrate on vm-*", Asked("domu.migrate", ("owl", "vm-1")), True),
    ],
)
def test_a_denial_meets_a_command_with_one_object_or_one_word(
    text: str, asked: Asked, does: bool
) -> None:
    assert Right.parse(text).concerns(asked) is does


def test_a_right_may_be_for_some_rooms_only() -> None:
    right = Right.parse("* in #nounou:*, !abc")

    assert right.has_room("#nounou:example.org")
    assert right.has_room("!abc")
    assert not right.has_room("#help:example.org")
    assert not right.has_room("")
    assert Right.parse("*").has_room("")


@pytest.mark.parametrize(
    ("verb", "kind", "does"),
    [
        ("domu.migrate", "domu", True),
        ("domu.migrate", "dom0", False),
        ("host.maintenance", "dom0", True),
        ("host.maintenance", "domu", False),
        ("volume.create", "volume", True),
        ("hold.place", "domu", True),
        ("hold.place", "dom0", True),
    ],
)
def test_a_right_speaks_of_the_objects_of_its_noun(verb: str, kind: str, does: bool) -> None:
    assert speaks_of(verb, kind) is does


@pytest.mark.parametrize(
    ("text", "verb", "does"),
    [
        ("access.grant", "access.grant", True),
        ("access.*", "access.grant", True),
        ("*.gran?", "access.*", True),
        ("domu.*, *", "access.grant", True),
        ("domu.*", "access.*", False),
    ],
)
def test_whether_a_right_gives_any_of_some_verbs(text: str, verb: str, does: bool) -> None:
    assert Right.parse(text).overlaps_verb(verb) is does


FEW = st.builds(
    Right,
    st.lists(
        st.sampled_from(["*", "domu.*", "*.show", "domu.show", "domu.move"]),
        min_size=1,
        max_size=2,
    ).map(tuple),
    st.lists(st.sampled_from(["*", "a", "b", "a*", "?"]), min_size=1, max_size=2).map(tuple),
    st.lists(st.sampled_from(["a", "b", "a*", "ab"]), max_size=1).map(tuple),
    st.sampled_from([(), (("to", ("x",)),), (("to", ("x", "y")),), (("to", ("[!x]",)),)]),
    st.sampled_from([(), ("#r",), ("#*",)]),
)
ASKED = st.builds(
    Asked,
    st.sampled_from(["domu.show", "domu.move", "bot.show"]),
    st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=2, unique=True).map(tuple),
    st.sampled_from([{}, {"to": ("x",)}, {"to": ("y",)}, {"to": ("x", "y")}]),
    st.booleans(),
)
#: the same with objects of other kinds, which only what is denied speaks of
WITH_OTHERS = st.builds(
    lambda asked, others: replace(asked, others=others),
    ASKED,
    st.lists(st.sampled_from(["a", "b", "ab", "d"]), max_size=2, unique=True).map(tuple),
)
ROOM = st.sampled_from(["#r", "#s", "!t"])


def gives(right: Right, asked: Asked, room: str) -> bool:
    """Whether *right* alone allows *asked* in *room*."""
    names = asked.objects or (None,)
    return right.has_room(room) and all(right.allows(asked, name) for name in names)


@settings(max_examples=500)
@given(FEW, FEW, ASKED, ROOM)
def test_a_right_that_is_covered_gives_nothing_more(
    wider: Right, narrower: Right, asked: Asked, room: str
) -> None:
    if all(wider.covers(part) for part in narrower.parts()) and gives(narrower, asked, room):
        assert gives(wider, asked, room)


@settings(max_examples=500)
@given(FEW, FEW, ASKED, ROOM)
def test_rights_that_do_not_touch_have_no_command_in_common(
    denied: Right, given: Right, asked: Asked, room: str
) -> None:
    if gives(given, asked, room) and denied.has_room(room) and denied.concerns(asked):
        assert denied.touches(given)
