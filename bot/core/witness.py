"""What was said of the record in a room, which nobody can take back by rewriting a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.audit import Entry
from bot.i18n import _, ngettext

_NAMED = r"#(?P<number>[0-9]{1,12}) (?P<digits>[0-9a-f]{64}|[0-9a-f]{12})(?![0-9A-Za-z])"
#: as `Entry.short` has it, or with the whole hash, anywhere in a line
_ANYWHERE = re.compile(_NAMED)


@dataclass(frozen=True)
class Witness:
    """One word about the record: the number of an entry, and how its hash begins."""

    number: int
    digits: str

    def __str__(self) -> str:
        return f"#{self.number} {self.digits[:12]}"


@dataclass(frozen=True)
class Hearing:
    """What came of comparing a record with its witnesses."""

    #: nothing contradicts it, and no witness is missing from a room that could be read
    ok: bool
    sentence: str


def line_of(entry: Entry) -> str:
    """How a post begins that tells of *entry*; `posted` finds it again."""
    return _("record {entry}").format(entry=entry.short)


def head_line(number: int, digits: str) -> str:
    """The post that tells of the record's last entry, with the whole of its hash."""
    line = _("record head {entry}").format(entry=f"#{number} {digits}")
    return _("{head} · a record that is rewritten contradicts this").format(head=line)


def beginnings() -> tuple[str, ...]:
    """How a post begins, one way or another, that can be a witness."""
    lines = (_("record {entry}"), _("record head {entry}"))
    return tuple(line.partition("{entry}")[0] + "#" for line in lines)


def posted(posts: Iterable[str]) -> list[Witness]:
    """The witnesses among the bot's own *posts*.

    Only one that begins as we write it counts: further in, an answer may repeat what people say.
    """
    before = "|".join(re.escape(each.removesuffix("#")) for each in beginnings())
    pattern = re.compile(f"(?:{before}){_NAMED}")
    return [_witness(named) for post in posts if (named := pattern.match(post))]


def told(lines: Iterable[str]) -> list[Witness]:
    """The witnesses in *lines* that a person vouches for, as copied from the room."""
    return [_witness(named) for line in lines if (named := _ANYWHERE.search(line))]


def compare(witnesses: Iterable[Witness], hashes: Mapping[int, str]) -> Hearing:
    """Whether the record, with the *hashes* of its entries by number, bears each witness out."""
    heard = sorted(set(witnesses), key=lambda witness: witness.number)
    for witness in heard:
        if not hashes.get(witness.number, "").startswith(witness.digits):
            return Hearing(False, _contradiction(witness, gone=witness.number not in hashes))
    if not heard:
        return Hearing(True, _("No post tells of the record yet, so none was compared."))
    return Hearing(
        True,
        ngettext(
            "{count} post agrees with it, about entry {first}.",
            "{count} posts agree with it, about entries {first} to {last}.",
            len(heard),
        ).format(count=len(heard), first=heard[0].number, last=heard[-1].number),
    )


def _contradiction(witness: Witness, *, gone: bool) -> str:
    if gone:
        sentence = _("The record was cut: entry {number} is gone, of which a post says {post}.")
    else:
        sentence = _("The record was rewritten: a post says {post}, entry {number} is another one.")
    return sentence.format(number=witness.number, post=witness)


def _witness(named: re.Match[str]) -> Witness:
    return Witness(int(named["number"]), named["digits"])
