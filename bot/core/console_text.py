"""What a screen shows, as people are told it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.console import Condition, Notice
from bot.core.screen import Screen
from bot.core.text import clean, clean_rows
from bot.i18n import _

#: signs of a line that is shown as evidence, and of what it is about
_EVIDENCE, _ABOUT = 120, 60
#: pieces of advice that are given at once
_ADVICE = 2


def lines(notices: Sequence[Notice]) -> list[str]:
    """One line for each of *notices*: what it is, what it is about, and what shows it."""
    return [_line(notice) for notice in notices]


def _line(notice: Notice) -> str:
    words = {
        "sign": notice.condition.sign,
        "what": notice.condition.words,
        "about": clean(notice.about, _ABOUT),
        "evidence": clean(notice.evidence, _EVIDENCE),
        "more": notice.times - 1,
    }
    if not words["evidence"]:
        return _("{sign} {what}").format(**words)
    if words["about"] and notice.times > 1:
        return _("{sign} {what} ({about}): “{evidence}” and {more} more like it").format(**words)
    if notice.times > 1:
        return _("{sign} {what}: “{evidence}” and {more} more like it").format(**words)
    if words["about"]:
        return _("{sign} {what} ({about}): “{evidence}”").format(**words)
    return _("{sign} {what}: “{evidence}”").format(**words)


def headline(whose: str, notices: Sequence[Notice]) -> str:
    """What the console of *whose* shows, the worst of *notices*, in one sentence."""
    worst = notices[0]
    sentence = {
        Condition.PANIC: _("{whose} shows a kernel panic."),
        Condition.FSCK: _("{whose} waits for a check of its file system."),
        Condition.EMERGENCY: _("{whose} stopped in emergency mode."),
        Condition.INITRAMFS: _("{whose} did not find its root volume: it waits in its initramfs."),
        Condition.READ_ONLY: _("{whose} has made a file system read-only."),
        Condition.IO_ERROR: _("{whose} shows I/O errors."),
        Condition.OOPS: _("{whose} shows a kernel oops."),
        Condition.LOCKUP: _("{whose} shows a CPU that is stuck."),
        Condition.HUNG_TASK: _("{whose} shows a task that hangs."),
        Condition.OOM: _("{whose} ran out of memory and killed {about}."),
        Condition.XEN_TIMEOUT: _("{whose} waits in vain for a device from Xen."),
        Condition.ROOT_SESSION: _("{whose} shows a session of root that was left open."),
        Condition.SESSION: _("{whose} shows a session that was left open."),
        Condition.PASSWORD: _("{whose} asks for a password."),
        Condition.QUESTION: _("{whose} asks a question."),
        Condition.BOOT_MENU: _("{whose} shows its boot menu."),
        Condition.LOGIN: _("{whose} shows a login prompt."),
        Condition.UNKNOWN: _("What {whose} shows says nothing sure of it."),
    }[worst.condition]
    if worst.condition is Condition.UNKNOWN and not worst.evidence:
        sentence = _("The console of {whose} shows nothing, so nothing is known of it.")
    return sentence.format(
        whose=clean(whose, _ABOUT), about=clean(worst.about, _ABOUT) or _("a process")
    )


def advice(notices: Sequence[Notice], prefix: str) -> str:
    """What to do next, a line for each of the worst of *notices*; empty where there is nothing."""
    said = dict.fromkeys(_advice(notice.condition, prefix) for notice in notices)
    return "\n".join([sentence for sentence in said if sentence][:_ADVICE])


def _advice(condition: Condition, prefix: str) -> str:
    storage = _(
        "Look at the array and at the host's iSCSI sessions first: the disk behind it is at fault "
        "more often than the guest."
    )
    close = _("Whoever works there should log out; if nobody does, log in and close the session.")
    return {
        Condition.PANIC: _("It runs no more: keep the picture, then restart it."),
        Condition.FSCK: _(
            "Make sure that its volume is whole and attached once before you answer: "
            "Enter may be an answer."
        ),
        Condition.EMERGENCY: _(
            "A file system of its fstab is probably missing: see whether each of its volumes is "
            "there on the host."
        ),
        Condition.INITRAMFS: _(
            "See whether the link of its root volume, /dev/NAME, is there on the host, and whether "
            "its config names it."
        ),
        Condition.READ_ONLY: storage,
        Condition.IO_ERROR: storage,
        Condition.OOPS: _("It may run on, but not well: plan a restart, and keep these lines."),
        Condition.LOCKUP: _("See whether the host is overloaded, or whether its disks hang."),
        Condition.HUNG_TASK: storage,
        Condition.OOM: _("It needs more memory, or less to do; see what runs there."),
        Condition.XEN_TIMEOUT: _(
            "The host did not give it that device: see the host's xl logs and its volumes."
        ),
        Condition.ROOT_SESSION: close,
        Condition.SESSION: close,
        Condition.PASSWORD: _("Somebody may be logging in: nothing is typed there."),
        Condition.QUESTION: _("Answer it at the console itself; Enter may be an answer."),
        Condition.BOOT_MENU: _("It goes on by itself, or waits for a choice: look again soon."),
        Condition.UNKNOWN: _("{prefix}console NAME --history 50 shows more of it.").format(
            prefix=prefix
        ),
    }.get(condition, "")


def screen_text(screen: Screen, most: int = 4000) -> str:
    """*screen* for a fixed font, in at most *most* signs: the end is kept, where the news is."""
    text = clean_rows(screen.lines)
    if not text:
        return _("(nothing)")
    return text if len(text) <= most else "…" + text[1 - most :]
