"""Why an ssh connection could not be made, for people."""

from __future__ import annotations

import socket

import asyncssh

from bot.i18n import _


def reasons() -> tuple[tuple[type[BaseException], str], ...]:
    """What each failure means for the administrator, the narrow ones first."""
    return (
        (TimeoutError, _("{name} did not answer at {place} within {seconds:g} s.")),
        (ConnectionRefusedError, _("{name} refuses connections at {place}.")),
        (socket.gaierror, _("The address of {name} cannot be resolved.")),
        (
            asyncssh.HostKeyNotVerifiable,
            _("{name} shows a host key that is not in its known_hosts file; nothing was sent."),
        ),
        (asyncssh.PermissionDenied, _("{name} does not accept the bot's ssh key for {user}.")),
        (asyncssh.KeyExchangeFailed, _("{name} and the bot have no ssh algorithm in common.")),
        (asyncssh.Error, _("{name} broke off the ssh dialogue at {place}.")),
    )
