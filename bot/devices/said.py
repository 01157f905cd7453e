"""What a failed command said, fit to stand in a sentence for people."""

from __future__ import annotations

from bot.core.text import clean
from bot.devices.session import Output
from bot.errors import DeviceError
from bot.i18n import _

#: characters of a device's own words in one of our sentences
_WIDTH = 200


def plain(text: str) -> str:
    """*text* on one line, without control characters, cut where it is long."""
    return clean(text, _WIDTH)


def first_line(text: str) -> str:
    """The first line of *text* that says something: errors come before their consequences."""
    return next((plain(line) for line in text.splitlines() if line.strip()), "")


def must_succeed(output: Output, command: str) -> Output:
    """*output*, or `DeviceError` with what *command* said where it failed."""
    if output.exit == 0:
        return output
    reason = first_line(output.stderr) or first_line(output.stdout)
    if not reason:
        raise DeviceError(
            _("{command} failed with exit code {code} and without a word.").format(
                command=command, code=output.exit
            )
        )
    raise DeviceError(_("{command} failed: {reason}").format(command=command, reason=reason))


def not_understood(command: str, text: str = "") -> DeviceError:
    """The error for an answer of *command* that cannot be read, with the part that is wrong."""
    if not text.strip():
        return DeviceError(_("The answer of {command} cannot be read.").format(command=command))
    return DeviceError(
        _("The answer of {command} cannot be read: {text}").format(
            command=command, text=repr(clean(text, 80))
        )
    )
