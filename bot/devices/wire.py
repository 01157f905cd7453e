"""What every wire shares: how much it reads, and what silence or a loss means for a call."""

from __future__ import annotations

from typing import Any

from bot.devices.session import Call
from bot.errors import BotError, DeviceError, OutcomeUnknown, Unreachable
from bot.i18n import _

#: bytes of one answer that are read; nothing that a driver asks for comes near it
BOUND = 2**20


class Lost(Unreachable):
    """The link was lost before anything that changes something was sent: it may be sent again."""


def lost(name: str, call: Call[Any], *, sent: bool) -> BotError:
    """The error for a link that broke during *call*."""
    if sent and call.changes:
        sentence = _("The link to {name} broke after a change was sent; it may have been made.")
        return OutcomeUnknown(sentence.format(name=name))
    return Lost(_("The link to {name} broke before it answered.").format(name=name))


def silent(name: str, call: Call[Any], seconds: float, *, sent: bool) -> BotError:
    """The error for an answer to *call* that did not come within *seconds*."""
    if sent and call.changes:
        sentence = _("{name} did not confirm a change within {seconds:g} s; it may have been made.")
        return OutcomeUnknown(sentence.format(name=name, seconds=seconds))
    sentence = _("{name} did not answer within {seconds:g} s.")
    return Unreachable(sentence.format(name=name, seconds=seconds))


def endless(name: str, call: Call[Any]) -> BotError:
    """The error for an answer to *call* that is longer than `BOUND`: its end was not read."""
    if call.changes:
        sentence = _("{name} printed too much to be read after a change; it may have been made.")
        return OutcomeUnknown(sentence.format(name=name))
    return DeviceError(_("{name} printed too much to be read.").format(name=name))
