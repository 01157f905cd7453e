r"""What nobody may read of a screen: blacked out in text, and so in the picture made of it.

No I/O here.  Every expression of `DEFAULTS` takes time in proportion to the text, and none matches
a prompt at which nothing is shown, as ``Password:``, nor what login says of a wrong one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from bot.core.screen import Piece, Screen

BLOCK = "█"

_PASSWORD = r"(?:pass ?(?:word|phrase|code)|passwort|mot de passe)"  # noqa: S105  (a name)
#: whose it is
_OF = r"(?:[ \t]+(?:for|of|de|pour)[ \t]+[^\s:=]{1,64}(?:[ \t]+[^\s:=]{1,64})?)?"
#: what is said of a password where it is not told
_NOT_TOLD = (
    "too|not|shorter|longer|a|an|the|in|based|incorrect|wrong|expired|required|empty|invalid"
    "|being|set|unchanged|going|similar|already|locked|older|weak|needed|missing|disabled|stored"
)
#: a kernel message behind a prompt, or a service that is started
_KERNEL = r"\[ *[0-9]{1,7}\.[0-9]{6}\]"
_NAMED = r"(?:secret|token|api[ _-]?key|access[ _-]?key)"

#: what is blacked out where the config says nothing: the groups of each
DEFAULTS = (
    # "password: …", "New password for root: …", to the end of the line or a kernel's message
    rf"(?i)(?<!bad ){_PASSWORD}{_OF}[\"']?[ \t]*:[ \t]*(?!{_KERNEL}|\[  OK  \])"
    rf"(\S.*?)(?=[ \t]*(?:{_KERNEL}|$))",
    # "the password is …", "password of root was set to …"
    rf"(?i){_PASSWORD}{_OF}[ \t]+(?:(?:is|est|ist)(?: now)?|(?:is |was |has been )?(?:re)?set to"
    rf"|changed to)[ \t]*:?[ \t]+(?!(?:{_NOT_TOLD})[.,!]?(?:\s|$))(\S+)",
    # "DB_PASSWORD=…", "token = …", "?api_key=…"
    rf"(?i)(?:{_PASSWORD}|passwd|{_NAMED})[\w-]{{0,20}}[\"']?[ \t]*="
    r"[ \t]*(\"[^\"\n]*\"|'[^'\n]*'|\S+)",
    # "--password …", "token: …"
    rf"(?i)(?:--{_PASSWORD}[ \t]+|\b{_NAMED}[\"']?[ \t]*:[ \t]*)(?!{_KERNEL})(\S+)",
    # on command lines: chpasswd, mysql
    r"[\w.-]{1,64}:(\S{1,200}?)[\"']?[ \t]*\|[ \t]*(?:sudo[ \t]+)?chpasswd",
    r"\bmysql\w{0,10}[ \t](?:[^\n|;]{0,100}[ \t])?-p(\S+)",
    # of HTTP
    r"(?i)\bauthorization[\"']?[ \t]*[:=][ \t]*(?:[a-z]{1,20}[ \t]+)?(\S+)",
    r"(?i)\bbearer[ \t]+([\w.~+/=-]{16,})",
    # user and password in an address
    r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,64}:([^\s/@]{1,200})@",
    # tokens that say what they are: GitHub, GitLab, Slack, Matrix, AWS
    r"\b((?:gh[pousr]_|glpat-|github_pat_|xox[abp]-|syt_|AKIA)[\w-]{10,})",
    # hashes of passwords (crypt(5))
    r"(\$(?:1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$,=]{8,})",
    # private keys: whole, cut off at the end, without their beginning
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----((?:(?!-----)[\s\S]){0,16000})-----END",
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----\s*+"
    r"((?:[A-Z][\w-]{1,20}: .{1,80}\n)*\n?(?:[ \t]*[A-Za-z0-9+/=]+[ \t]*(?:\n|\Z))+)",
    r"^[ \t]*((?:[A-Za-z0-9+/]{64}\n|[A-Za-z0-9+/]{70}\n|[A-Za-z0-9+/]{76}\n)+"
    r"[A-Za-z0-9+/]{1,76}={0,2})[ \t]*$",
)


def blacked_out(screen: Screen, patterns: Sequence[re.Pattern[str]]) -> Screen:
    """*screen* with a block in place of each sign that one of *patterns* matches.

    Where a pattern has groups, only what they match.  ``^`` and ``$`` match at each line's ends,
    and a line that took several rows is one.  Whatever is left stays where it was.
    """
    rows = screen.every_row
    breaks = ["" if _goes_on(screen, number, row) else "\n" for number, row in enumerate(rows)]
    text = "".join(row + end for row, end in zip(rows, breaks, strict=True))
    black = bytearray(len(text))
    for pattern in patterns:
        for start, end in _matches(pattern, text):
            black[start:end] = b"\1" * (end - start)
    if not any(black):
        return screen
    starts = [0]
    for row, line_end in zip(rows, breaks, strict=True):
        starts.append(starts[-1] + len(row) + len(line_end))
    masks = [black[start:end] for start, end in pairwise(starts)]
    before = len(screen.before)
    return replace(
        screen,
        before=tuple(map(_blackened, screen.before, masks[:before])),
        rows=tuple(map(_blackened_row, screen.rows, masks[before:])),
    )


def _goes_on(screen: Screen, number: int, row: str) -> bool:
    """Whether *row* goes on in the next one: it was too long, or ends in the last column."""
    return number - len(screen.before) in screen.wrapped or len(row) == screen.columns


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    for match in re.compile(pattern.pattern, pattern.flags | re.MULTILINE).finditer(text):
        groups = [span for span in match.regs[1:] if span[0] < span[1]]
        yield from groups or [match.span()]


def _blackened_row(row: tuple[Piece, ...], mask: bytearray) -> tuple[Piece, ...]:
    pieces, at = [], 0
    for piece in row:
        end = at + len(piece.text)
        pieces.append(replace(piece, text=_blackened(piece.text, mask[at:end])))
        at = end
    return tuple(pieces)


def _blackened(text: str, mask: bytearray) -> str:
    if not any(mask):
        return text
    # a mask ends behind the row's own signs where a line break follows
    return "".join(_block(sign) if hidden else sign for sign, hidden in zip(text, mask))  # noqa: B905


def _block(sign: str) -> str:
    """As many blocks as *sign* has columns: none for a mark upon the letter before."""
    if unicodedata.combining(sign):
        return ""
    return BLOCK * 2 if unicodedata.east_asian_width(sign) in "WF" else BLOCK
