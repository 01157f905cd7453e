"""The magic SysRq keys of Linux: what each does (kernel Documentation/admin-guide/sysrq.rst).

No I/O here.
"""

from __future__ import annotations

from bot.core.text import clean
from bot.errors import UsageError
from bot.i18n import _

#: keys after which what was not written is lost, or everything that runs is
DESTROYING = frozenset("bceiou")


def keys() -> dict[str, str]:
    """What each key does, for people."""
    return {
        "b": _("reboots at once, without writing anything to disk"),
        "c": _("crashes the kernel"),
        "d": _("shows all locks that are held"),
        "e": _("ends every process but init"),
        "f": _("lets the OOM killer end one process"),
        "h": _("shows help"),
        "i": _("kills every process but init"),
        "j": _("thaws frozen filesystems"),
        "k": _("ends every process on this console"),
        "l": _("shows what each CPU is doing"),
        "m": _("shows the memory"),
        "n": _("makes real-time tasks nice"),
        "o": _("switches off at once"),
        "p": _("shows the registers"),
        "q": _("shows the timers"),
        "r": _("takes the keyboard out of raw mode"),
        "s": _("writes everything to disk"),
        "t": _("shows all tasks"),
        "u": _("mounts everything read-only"),
        "w": _("shows the tasks that are blocked"),
        "z": _("shows the trace buffer"),
        **{str(level): _("sets the level of what the kernel prints") for level in range(10)},
    }


def read(word: str) -> str:
    """The key *word*; raises `UsageError` for one that does nothing known."""
    key = word.casefold()
    if key not in keys():
        raise UsageError(
            _("{word} is no SysRq key.").format(word=clean(repr(word), 40)),
            hint=_("There are: {names}. h makes the guest list its own.").format(
                names=" ".join(keys())
            ),
        )
    return key
