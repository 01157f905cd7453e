"""Every error that the bot raises on purpose, split by who must act.  What is not here is a bug.

``str(error)`` is always fit for chat: no secret, no transcript, one clear sentence.
"""

from __future__ import annotations

from typing import ClassVar

from bot.i18n import _


class BotError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message or _((type(self).__doc__ or "").strip().splitlines()[0]))
        self.hint = hint


class UsageError(BotError):
    """The command could not be understood."""

    code = "usage"

    def __init__(self, message: str = "", *, hint: str = "", word: int | None = None) -> None:
        super().__init__(message, hint=hint)
        #: which word of the line is wrong, counted from 0 at the command's first word
        self.word = word


class Denied(BotError):
    """You are not allowed to do that."""

    code = "denied"

    def __init__(self, message: str = "", *, hint: str = "", rule: str = "") -> None:
        super().__init__(message, hint=hint)
        #: for the record: the rule that denies it, or "none" where none allows it
        self.rule = rule


class Refused(BotError):
    """The request is understood and allowed, but its preconditions do not hold."""

    code = "refused"


class DeviceError(BotError):
    """A device answered, and the answer was an error."""

    code = "device"


class Unreachable(DeviceError):
    """A device could not be asked; nothing was sent, or what was sent changes nothing."""

    code = "unreachable"


class OutcomeUnknown(BotError):
    """The link was lost after a change was sent; nobody knows whether it was applied."""

    code = "unknown"


class Failed(BotError):
    """It did not happen, and that is certain."""

    code = "failed"


class StoreError(BotError):
    """The record cannot be written, so nothing is changed."""

    code = "store"


class ConfigError(BotError):
    """The configuration is wrong."""

    code = "config"


class ChatUnavailable(BotError):
    """The chat cannot be reached for now; the same post may be sent again."""

    code = "chat"

    def __init__(
        self, message: str = "", *, hint: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        #: seconds that the chat asked us to wait; None where it named none
        self.retry_after = retry_after


class ChatRefused(BotError):
    """The chat will never take this post."""

    code = "chat"
