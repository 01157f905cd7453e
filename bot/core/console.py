"""What a console says of its guest, read off its screen.  No I/O here.

Kernel messages are printed over prompts at any time, so everything that is there is told, worst
first, each with the line that shows it.  What is not sure is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.console_conditions import Condition
from bot.core.console_lines import Line, printed
from bot.core.console_signs import (
    AFTER_OLD_BOOT,
    BOOT,
    END,
    EVENTS,
    INITRAMFS,
    LEAVING,
    LEFT,
    LOGIN_LINE,
    MENU,
    OLD_BOOT,
    PROMPTS,
    SHELLS,
    STATES,
    WAITING,
)
from bot.core.screen import Screen

__all__ = ["Condition", "Notice", "examine"]

#: names that a notice is about, at most
_MOST = 4


@dataclass(frozen=True)
class Notice:
    """One thing that a screen shows."""

    condition: Condition
    #: the line that shows it, as it was printed; where there are several, the last
    evidence: str
    #: what it is about: a process, a device, a user; empty where the line does not say
    about: str = ""
    #: how many lines show it
    times: int = 1


def examine(screen: Screen) -> tuple[Notice, ...]:
    """Everything that *screen* shows, worst first; where nothing is sure, `Condition.UNKNOWN`."""
    lines = printed(screen)
    start = _this_boot(lines)
    at, waits = _what_waits(lines, screen)
    panic = _last(lines, EVENTS[Condition.PANIC])
    if at <= panic:
        # nobody answers any more behind a prompt over which a kernel died
        waits = ()
    elif waits:
        # what waits was printed by a kernel that lives
        start = max(start, panic + 1)
    if at < start:
        waits = ()
    lines = lines[start:]
    login = _last(lines, (LOGIN_LINE,))
    found = {notice.condition: notice for notice in waits}
    for condition, patterns in STATES.items():
        if notice := _happened(condition, patterns, lines[login + 1 :]):
            found[condition] = notice
    for condition, patterns in EVENTS.items():
        if notice := _happened(condition, patterns, lines):
            found[condition] = notice
    if not waits and (notice := _menu(lines, len(screen.before))):
        found[notice.condition] = notice
    if not found:
        return (Notice(Condition.UNKNOWN, _newest(lines)),)
    return tuple(sorted(found.values(), key=lambda notice: notice.condition.rank))


def _this_boot(lines: Sequence[Line]) -> int:
    """Where what the running kernel printed begins."""
    for index in range(len(lines) - 1, -1, -1):
        text = lines[index].text
        if END.search(text):
            return index + 1
        if BOOT.search(text):
            return index
        after = lines[index + 1].text if index + 1 < len(lines) else ""
        if OLD_BOOT.search(text) and AFTER_OLD_BOOT.search(after):
            return index
    return 0


def _what_waits(lines: Sequence[Line], screen: Screen) -> tuple[int, tuple[Notice, ...]]:
    """What waits for somebody to type, and the place of its line; -1 where nothing is sure."""
    row = len(screen.before) + screen.cursor[0]
    # what stands below the cursor as well fills the screen, and is no prompt
    if any(line.first > row and line.text.strip() for line in lines):
        return -1, ()
    above = [index for index, line in enumerate(lines) if line.first <= row]
    passed, blanks = False, 0
    for index in reversed(above):
        line = lines[index]
        if LEAVING.search(line.text):
            return -1, ()
        if WAITING.search(line.text) and not passed:
            return index, (Notice(Condition.XEN_TIMEOUT, line.text.strip()),)
        if line.over:
            passed = True
        elif not line.text.strip():
            blanks += 1
        else:
            return index, _prompt(lines, index, screen, 0 if passed else blanks)
    return -1, ()


def _prompt(lines: Sequence[Line], index: int, screen: Screen, below: int) -> tuple[Notice, ...]:
    """What line *index* asks for, *below* which stand so many blank rows, the cursor's the last."""
    line = lines[index]
    texts = [line.text]
    if line.first < line.last and (row := screen.cursor_line) and line.text.endswith(row):
        # a line that ends in the last column looks like one that goes on in the next row
        texts.append(row)
    for text in texts:
        if below == 0 and _at_its_end(screen, text):
            for condition, pattern in PROMPTS:
                if match := pattern.search(text):
                    return _asked(condition, text, match, lines[index - 1].text if index else "")
        if below == 0 and INITRAMFS.search(text):
            return (Notice(Condition.INITRAMFS, text.strip()),)
        if below <= 1 and (notice := _session(text)) and not (below and LEFT.search(text)):
            return (notice,)
    return ()


def _at_its_end(screen: Screen, text: str) -> bool:
    """Whether the cursor stands behind *text*, or below it."""
    row = screen.cursor_line
    return not (row and text.endswith(row)) or screen.cursor[1] >= min(len(row), screen.columns - 1)


def _asked(condition: Condition, text: str, match: re.Match[str], above: str) -> tuple[Notice, ...]:
    notice = Notice(condition, text.strip(), (match.groupdict().get("about") or "").strip())
    if condition is Condition.EMERGENCY and "Press Enter" not in above + text:
        return notice, Notice(Condition.PASSWORD, text.strip())
    return (notice,)


def _session(text: str) -> Notice | None:
    for shell in SHELLS:
        if match := shell.search(text):
            named = match.groupdict()
            user = named.get("user") or ""
            root = user == "root" or named.get("sign") == "#"
            condition = Condition.ROOT_SESSION if root else Condition.SESSION
            return Notice(condition, text.strip(), user or ("root" if root else ""))
    return None


def _happened(
    condition: Condition, patterns: Sequence[re.Pattern[str]], lines: Sequence[Line]
) -> Notice | None:
    for pattern in patterns:
        hits = [(line, match) for line in lines if (match := pattern.search(line.text))]
        if hits:
            names = dict.fromkeys(match.groupdict().get("about") or "" for _, match in hits)
            about = ", ".join([name for name in names if name][-_MOST:])
            return Notice(condition, hits[-1][0].text.strip(), about, len(hits))
    return None


def _menu(lines: Sequence[Line], before: int) -> Notice | None:
    """A menu that still fills the screen: no kernel has printed anything below it."""
    for line in reversed(lines):
        if line.over or line.first < before:
            return None
        if MENU.search(line.text):
            return Notice(Condition.BOOT_MENU, line.text.strip())
    return None


def _last(lines: Sequence[Line], patterns: Sequence[re.Pattern[str]]) -> int:
    """The place of the last line that one of *patterns* matches; -1 where there is none."""
    for index in range(len(lines) - 1, -1, -1):
        if any(pattern.search(lines[index].text) for pattern in patterns):
            return index
    return -1


def _newest(lines: Sequence[Line]) -> str:
    return next((line.text.strip() for line in reversed(lines) if line.text.strip()), "")
