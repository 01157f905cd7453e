"""A word that nobody may read is in no line that is shown or kept, however it was typed."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command import Registry, command
from bot.core.masking import masked
from bot.core.render import Reply
from bot.core.text import MASK, clean, mask, words
from bot.engine.context import Context
from bot.params import CommandWord, Secret, Word


@command("array password", needs="array.password", risk="changes")
async def password(
    ctx: Context, array: Word, new: Secret, why: Word = "", *, dry_run: bool = False
) -> Reply:
    """Set a password."""
    raise AssertionError


@command("phrase", needs="array.phrase")
async def phrase(ctx: Context, *all_of_it: Secret) -> Reply:
    """Take a phrase."""
    raise AssertionError


@command("array list", needs="array.list")
async def list_(ctx: Context, array: Word = "") -> Reply:
    """List arrays."""
    raise AssertionError


@command("why", needs="bot.why")
async def why(ctx: Context, *line: CommandWord) -> Reply:
    """Say why."""
    raise AssertionError


REGISTRY = Registry()
for each in (password, phrase, list_, why):
    REGISTRY.add(each)


def shown(line: str) -> str:
    return masked(REGISTRY, line, "!").line


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("!array list nols", "!array list nols"),
        ("!array list  'an open quote", "!array list  'an open quote"),
        ("!nothing like it hunter2", "!nothing like it hunter2"),
        ("!array password nols hunter2", f"!array password nols {MASK}"),
        ("!why array password nols hunter2", f"!why array password nols {MASK}"),
        ("!why anna !array password nols hunter2", f"!why anna '!array' password nols {MASK}"),
        ("!why array list nols", "!why array list nols"),
        ("!why anna", "!why anna"),
        ("!array password nols hunter2 because", f"!array password nols {MASK} because"),
        ("!array password 'no ls' 'hunter 2' why", f"!array password 'no ls' {MASK} why"),
        ("!array password --dry-run nols hunter2", f"!array password --dry-run nols {MASK}"),
        ("!array password nols --hunter2", f"!array password nols {MASK}"),
        ("!array password nols -hunter2 why", f"!array password nols {MASK} {MASK}"),
        ("!array password nols hunter2 why again", f"!array password nols {MASK} why {MASK}"),
        ("!array password nols", "!array password nols"),
        ("!phrase one two", f"!phrase {MASK} {MASK}"),
        ("!array password nols 'hunter2 why", f"!array password nols {MASK} {MASK}"),
        ("!array password nols hunter\u00ad2 why", f"!array password nols {MASK} {MASK}"),
        ("!array passwordd nols hunter2", f"!array passwordd {MASK} {MASK}"),
        ("!Phrase hunter2", f"!Phrase {MASK}"),
    ],
)
def test_what_is_shown_of_a_line(line: str, says: str) -> None:
    assert shown(line) == says


@given(
    st.text(min_size=5, max_size=20).filter(lambda text: len(clean(text)) > 4),
    st.sampled_from(["", " why", " --dry-run", ' "', " '", "\n", "\u200b"]),
    st.booleans(),
)
def test_no_secret_is_ever_shown(secret: str, after: str, quoted: bool) -> None:
    typed = shlex.quote(secret) if quoted else secret
    line = f"!array password nols {typed}{after}"

    said = shown(line).removeprefix("!array password nols")

    # what came unquoted may be several words, of which the third is not the secret any more
    for word in [secret] if quoted else secret.split()[:1]:
        if len(word) > 4:
            assert word not in said


@given(st.text(max_size=40))
def test_a_masked_line_holds_no_secret_any_more_and_masking_never_fails(rest: str) -> None:
    once = shown(f"!array password {rest}")

    assert masked(REGISTRY, once, "!").secrets == ()


def test_the_places_of_the_words_stay_the_same() -> None:
    line = "array password nols 'hunter 2' why"

    assert len(words(shown(f"!{line}"))) == len(words(line))


def test_the_secrets_of_a_line_are_known() -> None:
    assert masked(REGISTRY, "!array password nols 'hunter 2'", "!").secrets == ("hunter 2",)
    assert masked(REGISTRY, f"!array password nols {MASK}", "!").secrets == ()


@pytest.mark.parametrize(
    ("text", "secrets", "says"),
    [
        ("pw=hunter2!", ["hunter2"], f"pw={MASK}!"),
        ("hunter22 hunter2", ["hunter2", "hunter22"], f"{MASK} {MASK}"),
        ("an a in banana", ["a"], f"an {MASK} in banana"),
        ("a  b", ["a  b"], MASK),
        ("said: a b", ["a  b"], f"said: {MASK}"),
        ("nothing", [""], "nothing"),
        ("a.c abc", ["a.c"], f"{MASK} abc"),
    ],
)
def test_secrets_are_taken_out_of_any_text(text: str, secrets: list[str], says: str) -> None:
    assert mask(text, secrets) == says
