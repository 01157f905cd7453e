"""A guest's console by `xl`: its log, a look without a terminal, a visit with one.

`xl console` never ends by itself, so the host's own `timeout` ends it, whatever becomes of the bot;
Xen's lock goes with the process that holds it (field reference B.5; 41-console-unknown.json,
42-console-no-tty.json, 85-console-alpha.json).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.devices.console import ConsoleHeld, Visited
from bot.devices.said import must_succeed, not_understood, plain
from bot.devices.session import Call, Output, Visit
from bot.errors import DeviceError, OutcomeUnknown, Refused
from bot.i18n import _

#: so much of a console is read: some thousand lines, and more than a ring holds
LAST = 64 * 1024
#: seconds after which the host ends a visit that did not end by itself
VISIT_LIMIT = 60
#: exit codes of `timeout`: the command ended by itself, was ended, had to be killed (coreutils)
_ENDED = (0, 124, 137)
#: Ctrl+], which the client takes for its end where it comes alone
LEAVE = b"\x1d"
#: the first version whose client takes nothing from what is no terminal (xen tools/console)
_VIEWS = (4, 6)
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)")
#: what xenconsoled puts before each line with ``--timestamp=guest``, and at the beginning of a log
#: (xen tools/console/daemon/io.c, write_with_timestamp)
_STAMP = re.compile(r"^\[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\] ", re.MULTILINE)
_OPENED = re.compile(r"^Logfile Opened\r?\n", re.MULTILINE)
#: what the programs of the host say of themselves (41-console-unknown.json)
_SAID = re.compile(
    r"^(?:xenconsole: |xl: |sudo: |timeout: |libxl: |[\w.+-]{1,120} is an invalid domain).*",
    re.MULTILINE,
)
#: a log is there, or may be, and cannot be read (errno, in the words of the C library)
_TROUBLE = re.compile(r"Input/output error|Stale file handle|Permission denied")
#: another client has the lock (xen tools/console/client/main.c, not recorded)
_HELD = re.compile(r"Could not lock \S+: ")
_KEY = re.compile(r"[0-9a-z]")


def can_view(version: str) -> bool:
    """Whether the client of this Xen *version* attaches without any chance to type."""
    match = _VERSION.match(version)
    return match is not None and (int(match[1]), int(match[2])) >= _VIEWS


def newest(template: str, guest: str) -> Call[tuple[str, float] | None]:
    """The log of *guest* that was written to last, and when; None where there is none.

    xenconsoled opens it under the name that the domain has as its console appears, and one that is
    being received is not yet called as its guest (xen tools/console/daemon/io.c).
    """
    paths = tuple(template.replace("{name}", guest + mark) for mark in ("", "--incoming"))
    return Call(
        ("sudo", "stat", "-c", "%Y %n", "--", *paths), lambda output: _newest(output, paths)
    )


def end_of(path: str, last: int) -> Call[str]:
    """The last *last* bytes of the log *path*, without the daemon's own words."""
    return Call(("sudo", "tail", "-c", str(last), "--", path), _log, last=last)


def view(host: str, domid: int, seconds: float) -> Call[str]:
    """Attach without a terminal for *seconds*."""
    words = ("sudo", "timeout", "-k", "2", f"{seconds:g}", "xl", "console", str(domid))
    return Call(words, lambda output: _shown(host, output), last=LAST)


def visit(
    host: str, domid: int, keys: tuple[bytes, ...], may_type: Callable[[str], bool]
) -> Call[Visited]:
    """Attach with a terminal, type *keys* where *may_type* says so, and detach."""
    # -n: on a terminal sudo would ask for a password, and take what is typed for it
    limit = ("-n", "timeout", "--foreground", "-k", "2", str(VISIT_LIMIT))
    return Call(
        ("sudo", *limit, "xl", "console", str(domid)),
        lambda output: Visited(_shown(host, output), output.typed),
        changes=bool(keys),
        timeout=VISIT_LIMIT,
        last=LAST,
        visit=Visit(LEAVE, keys, may_type),
    )


def sysrq(domid: int, key: str) -> Call[None]:
    """Send the magic SysRq *key*; raises `Refused` where it is none."""
    if not _KEY.fullmatch(key):
        raise Refused(
            _("{key} is no SysRq key: that is one letter or digit.").format(key=ascii(key[:40]))
        )
    return Call(("sudo", "xl", "sysrq", str(domid), key), _silent, changes=True)


def _silent(output: Output) -> None:
    must_succeed(output, "xl sysrq")


def _newest(output: Output, paths: tuple[str, ...]) -> tuple[str, float] | None:
    found = []
    for line in output.stdout.splitlines():
        moment, _space, path = line.partition(" ")
        if not re.fullmatch(r"[0-9]{1,12}", moment) or path not in paths:
            raise not_understood("stat", output.stdout)
        found.append((path, float(moment)))
    # it goes on where one of them is not there, and then says so
    said = [line for line in output.stderr.splitlines() if line.startswith("stat:")]
    if not found and (not said or any(map(_TROUBLE.search, said))):
        must_succeed(output, "stat")
    return max(found, key=lambda log: log[1], default=None)


def _log(output: Output) -> str:
    must_succeed(output, "tail")
    return _OPENED.sub("", _STAMP.sub("", output.stdout))


def _shown(host: str, output: Output) -> str:
    """What the console showed; of the guest's own words none is ever part of an error."""
    if output.exit in _ENDED:
        return output.stdout
    if output.typed:
        raise OutcomeUnknown(
            _("The console on {host} ended oddly (exit code {code}) after it was typed at.").format(
                host=host, code=output.exit
            )
        )
    # on a terminal the two streams are one
    said = _SAID.search(output.stderr) or _SAID.match(output.stdout)
    words = plain(said[0]) if said is not None else ""
    if _HELD.search(words):
        raise ConsoleHeld(
            _("Somebody else holds this console on {host}; nothing was read or typed.").format(
                host=host
            )
        )
    if "is an invalid domain identifier" in words:
        raise DeviceError(_("xl found no such domain on {host}.").format(host=host))
    raise DeviceError(
        _("xl console failed on {host} (exit code {code}). {words}").format(
            host=host, code=output.exit, words=words
        )
    )
