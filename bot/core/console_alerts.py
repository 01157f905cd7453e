"""What consoles show, as alerts: which of it is one, how bad it is, when it is over.  No I/O here.

Kernel messages stand on a console for ever, so those that are an event count only for a while after
they were new.  A prompt says how things are now.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.core.alerts import Finding, Severity
from bot.core.console import Condition, Notice
from bot.core.plan import Thing
from bot.core.screen import Screen
from bot.core.text import clean
from bot.i18n import _

#: whose alerts these are, be it the watch that looked or a person
SOURCE = "consoles"
#: seconds for which an event counts once it is new, and a prompt once it was last shown
AWHILE = 3600.0
#: characters of the line that an alert quotes, and of the names in it
LONGEST, LONGEST_ABOUT = 200, 80

#: what stands at the end of a console and waits for somebody: it says how things are now
PROMPTS = frozenset(
    {
        Condition.FSCK,
        Condition.EMERGENCY,
        Condition.INITRAMFS,
        Condition.ROOT_SESSION,
        Condition.SESSION,
        Condition.PASSWORD,
        Condition.QUESTION,
        Condition.BOOT_MENU,
        Condition.LOGIN,
    }
)
#: a session that somebody left open
SESSIONS = frozenset({Condition.ROOT_SESSION, Condition.SESSION})
#: what only another boot ends
UNTIL_BOOT = frozenset({Condition.PANIC, Condition.READ_ONLY})
#: what is an alert, and how bad it is.  Whoever reaches a console rules the Dom0 already, so that
#: a session left open gets nobody out of bed
SEVERITIES = {
    Condition.PANIC: Severity.CRITICAL,
    Condition.FSCK: Severity.CRITICAL,
    Condition.EMERGENCY: Severity.CRITICAL,
    Condition.INITRAMFS: Severity.CRITICAL,
    Condition.READ_ONLY: Severity.CRITICAL,
    Condition.IO_ERROR: Severity.CRITICAL,
    Condition.OOPS: Severity.WARNING,
    Condition.LOCKUP: Severity.WARNING,
    Condition.HUNG_TASK: Severity.WARNING,
    Condition.OOM: Severity.WARNING,
    Condition.XEN_TIMEOUT: Severity.WARNING,
    Condition.ROOT_SESSION: Severity.WARNING,
    Condition.SESSION: Severity.WARNING,
}

#: the first line that a kernel of Linux prints
_BOOT = re.compile(r"(?:\] |^)Linux version [0-9]")


def booted(screen: Screen) -> bool:
    """Whether *screen* shows the beginning of a boot."""
    return any(_BOOT.search(line) for line in screen.printed)


def over(condition: Condition, shown: Collection[Condition], age: float, *, boot: bool) -> bool:
    """Whether *condition*, which was there *age* seconds ago, is over now that it is not *shown*.

    What else is *shown* may say so, and the beginning of a *boot* does.
    """
    if boot:
        return True
    if condition in UNTIL_BOOT:
        # who asks for a login did not panic
        return condition is Condition.PANIC and not PROMPTS.isdisjoint(shown)
    if condition in PROMPTS and not (PROMPTS | {Condition.PANIC}).isdisjoint(shown):
        return True
    return age >= AWHILE


def key_of(condition: Condition, thing: Thing, name: str) -> str:
    """By what the alert is known."""
    return f"{condition.name} {thing.value} {name}"


def condition_of(key: str) -> Condition | None:
    """What the alert known by *key* is about; None where no console showed it."""
    return Condition.__members__.get(key.partition(" ")[0])


def finding(
    thing: Thing, name: str, host: str, notice: Notice, since: float | None = None
) -> Finding:
    """The alert that *notice* is for the console of *name* on *host*."""
    condition, about = notice.condition, clean(notice.about, LONGEST_ABOUT)
    details = _("The console of {name} on {host} shows: “{line}”").format(
        name=name, host=host, line=clean(notice.evidence, LONGEST)
    )
    return Finding(
        key_of(condition, thing, name),
        SEVERITIES[condition],
        _title(condition, name, about),
        frozenset({(thing, name)}),
        details=details,
        hint=_hint(condition, thing).replace("{name}", name),
        group=SOURCE,
        since=since,
    )


def _title(condition: Condition, name: str, about: str) -> str:
    if not about:
        return _plain(condition).format(name=name)
    sentences = {
        Condition.READ_ONLY: _("{name} took its file system {about} read-only."),
        Condition.IO_ERROR: _("{name} has I/O errors on {about}."),
        Condition.HUNG_TASK: _("{name} has a task that hangs: {about}."),
        Condition.OOM: _("{name} ran out of memory and killed {about}."),
        Condition.XEN_TIMEOUT: _("{name} waits for a device of Xen: {about}."),
        Condition.SESSION: _("A session of {about} was left open on the console of {name}."),
    }
    sentence = sentences.get(condition) or _plain(condition)
    return sentence.format(name=name, about=about)


def _plain(condition: Condition) -> str:
    """The sentence for *condition* where nothing is named."""
    return {
        Condition.PANIC: _("The kernel of {name} panicked."),
        Condition.FSCK: _("{name} waits for somebody to check its file system."),
        Condition.EMERGENCY: _("{name} did not boot: it is in an emergency shell."),
        Condition.INITRAMFS: _("{name} did not boot: it is in the shell of its initramfs."),
        Condition.READ_ONLY: _("{name} took a file system read-only."),
        Condition.IO_ERROR: _("{name} has I/O errors."),
        Condition.OOPS: _("The kernel of {name} met a bug (oops)."),
        Condition.LOCKUP: _("A processor of {name} is locked up."),
        Condition.HUNG_TASK: _("{name} has a task that hangs."),
        Condition.OOM: _("{name} ran out of memory."),
        Condition.XEN_TIMEOUT: _("{name} waits for a device of Xen."),
        Condition.ROOT_SESSION: _("A root session was left open on the console of {name}."),
        Condition.SESSION: _("A session was left open on the console of {name}."),
    }[condition]


def _hint(condition: Condition, thing: Thing) -> str:
    """What to do next; the command's prefix is filled in where it is read."""
    look = "{prefix}ilo {name} console" if thing is Thing.HOST else "{prefix}console {name}"
    sentences = {
        Condition.FSCK: _("Read what it asks before anybody answers: {look}."),
        Condition.EMERGENCY: _("Read why: {look}."),
        Condition.INITRAMFS: _("See whether the link of its root volume is right: {look}."),
        Condition.READ_ONLY: _("Look at the array first, then at its links; {look} shows more."),
        Condition.IO_ERROR: _("Look at the array first, then at its links; {look} shows more."),
        Condition.ROOT_SESSION: _("Whoever it is: log out. {look} shows it."),
        Condition.SESSION: _("Whoever it is: log out. {look} shows it."),
    }
    return sentences.get(condition, _("{look} shows more.")).replace("{look}", look)
