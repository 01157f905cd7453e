"""What `xl migrate` says at its end, in one sentence for people.

The texts are those of the recordings named beside them, on stderr; xl prints them untranslated.
Some lines sound worse than they are: "xc_domain_resume failed" follows a guest that never stopped
(78-migrate-no-memory.json).
"""

from __future__ import annotations

import re

from bot.devices.said import first_line, plain
from bot.devices.xen import MigrationOutcome
from bot.i18n import _

_SUCCESS = "Migration successful."
#: the sender's own last words for a guest that goes on where it was
_STAYED = re.compile(
    r"^Migration failed"
    r"(?:, failed to suspend at sender|, resuming at sender| due to problems at target)\.$",
    re.MULTILINE,
)
#: after a refusal by the target (81-migrate-name-taken.json)
_RESUMING = "migration sender: Trying to resume at our end."
_RESUMED = "migration sender: Resumed OK."
#: xen tools/xl/xl_migrate.c, reference, not recorded
_UNDEFINED = re.compile(r"Migration failed during final handshake|Domain state is now undefined")
#: before this line the sender has touched nothing (71- to 75-)
_BEGUN = "migration target: Ready to receive domain."


def read(exit_code: int, stderr: str) -> MigrationOutcome:
    """The outcome of `xl migrate`; it is undefined wherever xl does not say that it is not."""
    if _UNDEFINED.search(stderr):
        return _unclear(
            _("xl lost track at the hand-over: the guest may run on both hosts or none.")
        )
    if _SUCCESS in stderr.splitlines():
        if exit_code == 0:
            return MigrationOutcome(True, _("xl reports success."))
        return _unclear(_("xl reports success, and a failure after it."))
    if _RESUMING in stderr and _RESUMED not in stderr:
        return _unclear(_("The target could not start the guest, nor the source resume it."))
    if exit_code == 0:
        return _unclear(_("xl ended without saying how the migration went."))
    if _STAYED.search(stderr) or (_BEGUN not in stderr and _cause(stderr)):
        return MigrationOutcome(False, _cause(stderr) or _unknown_cause(stderr))
    return _unclear(_("xl was stopped before it could say how the migration went."))


def _unclear(reason: str) -> MigrationOutcome:
    return MigrationOutcome(False, reason, undefined=True)


def _cause(stderr: str) -> str:
    """Why it failed, as far as it is known; empty otherwise."""
    for pattern, sentence in _causes():
        match = re.search(pattern, stderr, re.MULTILINE)
        if match:
            return sentence.format(
                **{key: plain(value) for key, value in match.groupdict().items()}
            )
    return ""


def _unknown_cause(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if "error" in line.lower()]
    return _("The migration failed, and the guest stays where it was: {reason}").format(
        reason=first_line("\n".join(errors)) or first_line(stderr)
    )


def _causes() -> tuple[tuple[str, str], ...]:
    """Text and meaning, the narrow ones first: later lines are consequences of earlier ones."""
    return (
        # 81-migrate-name-taken.json
        (
            r'Domain with name "(?P<name>[^"]*)" already exists',
            _("The target already has a domain named {name}; the guest stays where it was."),
        ),
        # 78-migrate-no-memory.json
        (
            r"Failed to populate (?:physmap|pfns)",
            _("The target ran out of memory during the copy; the guest goes on where it was."),
        ),
        # stock-pv-migrate.json
        (
            r"Failed to enable logdirty",
            _("This Xen has no shadow paging to move a PV guest live; it goes on where it was."),
        ),
        # 71-migrate-unknown-host.json
        (
            r"Could not resolve hostname (?P<host>[^:\s]+)",
            _("The source does not know the address of {host}; nothing was changed."),
        ),
        # 72-migrate-no-route.json, 73-migrate-connection-refused.json; timed out: reference
        (
            r"ssh: connect to host (?P<host>\S+) port \d+: (?P<why>[^\r\n]+)",
            _("The source cannot reach {host} ({why}); nothing was changed."),
        ),
        # 75-migrate-unknown-host-key.json
        (
            r"Host key verification failed",
            _("The source does not know the target's ssh host key; nothing was changed."),
        ),
        # 74-migrate-no-permission.json
        (
            r"Permission denied \([^)]*\)",
            _("The target does not let the source's root log in; nothing was changed."),
        ),
        # 70-migrate-unknown-domain.json
        (
            r"^(?P<name>.*) is an invalid domain identifier",
            _("The source has no domain {name}; nothing was changed."),
        ),
        # 57-not-root.json; sudo: reference
        (
            r"cannot init xl context|^sudo: ",
            _("The source does not let the bot run xl; nothing was changed."),
        ),
        # 94-migrate-cut.json
        (
            r"migration transport process \[\d+\] exited with error status 255",
            _("The link between the hosts was cut during the copy; it goes on where it was."),
        ),
        # 81-migrate-name-taken.json without its cause: reference
        (
            r"Target reports startup failure",
            _("The target could not start the guest; it stays where it was."),
        ),
    )
