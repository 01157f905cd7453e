"""Turning what people type into words, and foreign text into something that may be shown."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from bot.errors import UsageError
from bot.i18n import _

#: what chat clients and phones make of quotes and spaces
_TYPOGRAPHY = str.maketrans(
    {
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2018": "'",
        "\u2019": "'",
        "\u00a0": " ",
        "\u202f": " ",
        "\u200b": None,
        "\ufeff": None,
    }
)
#: what stands for a word that nobody may read
MASK = "•••"

#: control characters, and what ends a line or a paragraph
_BREAKS = ("Cc", "Zl", "Zp")
#: what nobody sees, or what everybody sees differently
_UNSEEN = ("Cf", "Cs", "Co", "Cn")
#: what joins or parts two letters of scripts that need it, and the parts of an emoji
_JOINED = re.compile(r"(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
#: a dash that begins a word was typed as two hyphens
_DASH = re.compile(r"(?:(?<=\s)|^)[\u2010-\u2015\u2212](?=\w)")
#: an apostrophe within a word, as in ``don't`` or ``vm1's``: it groups nothing
_APOSTROPHE = re.compile(r"(?<=[^\W_])'(?=[^\W\d_])")
#: stands for such a one while the line is split; no command has this character
_STAND_IN = "\0"


def is_command(text: str, prefix: str) -> bool:
    """Whether *text* asks the bot for something: the prefix, then a letter."""
    rest = text.strip().removeprefix(prefix)
    return text.strip().startswith(prefix) and rest[:1].isalpha()


def words(line: str) -> list[str]:
    """Split *line* like a shell, after undoing the typography that chat clients add.

    Unlike in a shell, an apostrophe between two letters is one more letter.

    Raises `UsageError` on an open quote, and on control characters and others that nobody sees: a
    command is one line, and runs as what it looks like.
    """
    line = line.strip()
    if any(unicodedata.category(character) in _BREAKS and character != "\t" for character in line):
        raise UsageError(_("A command is one line without control characters."))
    plain = _DASH.sub("--", line.translate(_TYPOGRAPHY))
    if any(unicodedata.category(character) == "Cf" for character in _JOINED.sub("", plain)):
        raise UsageError(_("There are invisible characters in this command; type it anew."))
    try:
        found = shlex.split(_APOSTROPHE.sub(_STAND_IN, plain))
    except ValueError:
        raise UsageError(
            _("A quote is opened and never closed."),
            hint=_("Write a lone ' within double quotes, like \"the hosts' disks\"."),
        ) from None
    return [word.replace(_STAND_IN, "'") for word in found]


def clean(text: str, limit: int = 300) -> str:
    """*text* from a device or a person, fit for one line: no control characters, bounded."""
    text = text[: limit * 4]
    # most text is, and looking at each character takes a hundred times as long
    if not text.isprintable():
        text = "".join(
            " " if unicodedata.category(character) in _BREAKS else character
            for character in text
            if unicodedata.category(character) not in _UNSEEN
        )
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def clean_lines(text: str, limit: int = 4000) -> str:
    """As `clean`, for text of several lines: the end is kept, since that is where the news is."""
    lines = [shown for line in text.splitlines() if (shown := clean(line, 400))]
    whole = "\n".join(lines)
    return whole if len(whole) <= limit else "…" + whole[-limit:]


def clean_rows(rows: Iterable[str], limit: int = 400) -> str:
    """*rows* of a screen as one text: as `clean_lines`, but the blanks that align them stay."""
    shown = [_row(row[:limit]).rstrip() for row in rows]
    return "\n".join(shown).strip("\n")


def _row(row: str) -> str:
    if row.isprintable():
        return row
    return "".join(
        " " if unicodedata.category(sign) in (*_BREAKS, "Zs") else sign
        for sign in row
        if unicodedata.category(sign) not in _UNSEEN
    )


def cut(text: str, limit: int) -> str:
    """*text* in at most *limit* bytes of UTF-8, cut between characters."""
    return text.encode(errors="replace")[:limit].decode(errors="ignore")


def mask(text: str, secrets: Iterable[str]) -> str:
    """*text* without *secrets*; a short one is looked for as a word, for it is in many others."""
    for secret in sorted({*secrets, *map(clean, secrets)} - {""}, key=len, reverse=True):
        pattern = re.escape(secret) if len(secret) > 3 else rf"(?<!\w){re.escape(secret)}(?!\w)"
        text = re.sub(pattern, MASK, text)
    return text


def nearest(word: str, candidates: Iterable[str]) -> list[str]:
    """The few *candidates* that somebody who typed *word* may have meant, best first."""
    known = {candidate.casefold(): candidate for candidate in candidates}
    # in a name of two letters, like ``vm``, one wrong letter is half of it
    cutoff = 0.5 if len(word) < 4 else 0.6
    return [known[name] for name in get_close_matches(word.casefold()[:64], known, 3, cutoff)]


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A hint for a word that is not known; empty where nothing comes near."""
    close = nearest(word, candidates)
    return _("Did you mean {names}?").format(names=", ".join(close)) if close else ""


def point_at(line: list[str], wrong: int, prefix: str) -> str:
    """*line* again with carets under the word that is wrong, to be shown in a fixed font."""
    shown = [clean(shlex.quote(word), 40) for word in line[: wrong + 8]]
    if wrong >= len(shown):
        shown.append("?")
        wrong = len(shown) - 1
    before = len(prefix) + sum(len(word) + 1 for word in shown[:wrong])
    return f"{prefix}{' '.join(shown)}\n{' ' * before}{'^' * max(1, len(shown[wrong]))}"
