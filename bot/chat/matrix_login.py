"""The bot's account on a homeserver: logging in, and staying the same device over restarts.

A homeserver recognises a repeated transaction id only from the same device, so the device and its
token are kept in a file that nobody else can read.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from bot.chat import secret_file
from bot.chat.matrix_wire import Busy, Challenged, Content, Rejected, TokenRefused, Wire, path_of
from bot.errors import ConfigError
from bot.i18n import _

_log = structlog.get_logger()


@dataclass(frozen=True)
class Credentials:
    """How the bot proves who it is: with a password, or with an access token made elsewhere."""

    #: the whole id (``@bot:example.org``) or its local part
    user: str
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    device_name: str = "nounou"


class Account:
    """The bot's account; `ask` is `Wire.ask` as this account."""

    def __init__(self, wire: Wire, homeserver: str, credentials: Credentials, file: Path) -> None:
        self.user_id = ""
        self.device_id = ""
        #: how often a token was made; a homeserver may forget our device's keys before
        self.logins = 0
        self._wire = wire
        self._homeserver = homeserver
        self._credentials = credentials
        self._file = file
        self._entering = asyncio.Lock()

    async def enter(self) -> None:
        """Be logged in when this returns.  Raises `ConfigError` when the account is refused."""
        kept = self._kept()
        self._wire.token = self._credentials.token or kept.get("access_token", "")
        if not self._wire.token:
            await self._log_in(kept.get("device_id", ""))
            return
        try:
            answer = await self._wire.ask("GET", _WHOAMI)
            self.user_id, self.device_id = _told(answer, "user_id"), _device_in(answer)
        except TokenRefused:
            await self._renew(self._wire.token)

    async def ask(
        self,
        method: str,
        path: str,
        content: Content | None = None,
        *,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """As `Wire.ask`, with one new login where the token has become worthless."""
        token = self._wire.token
        try:
            return await self._wire.ask(method, path, content, timeout=timeout)
        except TokenRefused:
            await self._renew(token)
        return await self._wire.ask(method, path, content, timeout=timeout)

    async def confirm(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        """As `ask` with POST, giving the password where the homeserver wants it once more."""
        try:
            return await self.ask("POST", path, content)
        except Challenged as challenge:
            if self._credentials.password is None:
                raise
            proof = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.user_id},
                "password": self._credentials.password,
                "session": challenge.session,
            }
        return await self.ask("POST", path, {**content, "auth": proof})

    async def become_another_device(self) -> None:
        """Log in as a new device.  Raises `ConfigError` where there is no password."""
        async with self._entering:
            await self._log_in("")

    async def _renew(self, refused: str) -> None:
        """Replace the token *refused*, unless another task has just done so."""
        async with self._entering:
            if self._wire.token != refused:
                return
            _log.warning("matrix.token_refused", user=self._credentials.user)
            if self._credentials.password is None:
                raise ConfigError(
                    _("The homeserver refuses the access token of {user}").format(
                        user=self._credentials.user
                    ),
                    hint=_("make a new token, or give the password under chat.password"),
                )
            await self._log_in(self._kept().get("device_id", ""))

    async def _log_in(self, device_id: str) -> None:
        if self._credentials.password is None:
            raise ConfigError(_("There is neither a password nor a token for the chat"))
        request = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self._credentials.user},
            "password": self._credentials.password,
            "initial_device_display_name": self._credentials.device_name,
            **({"device_id": device_id} if device_id else {}),
        }
        self._wire.token = ""
        try:
            answer = await self._wire.ask("POST", path_of("login"), request)
        except Rejected as error:
            raise ConfigError(
                _("The homeserver refuses the login of {user}: {why}").format(
                    user=self._credentials.user, why=error
                ),
                hint=_("look at chat.user and chat.password"),
            ) from error
        self._wire.token = _told(answer, "access_token")
        self.user_id = _told(answer, "user_id")
        self.device_id = _device_in(answer)
        self.logins += 1
        self._keep(self.device_id)
        _log.info("matrix.logged_in", user=self.user_id)

    def _kept(self) -> dict[str, str]:
        """The session of an earlier run, where it was this user's on this homeserver."""
        try:
            kept = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            _log.warning("matrix.session_unreadable", file=str(self._file), error=str(error))
            return {}
        if not isinstance(kept, dict) or self._whose() != kept.get("whose"):
            return {}
        return {key: value for key, value in kept.items() if isinstance(value, str)}

    def _keep(self, device_id: str) -> None:
        kept = {
            "whose": self._whose(),
            "device_id": device_id,
            "access_token": self._wire.token,
        }
        secret_file.write(self._file, json.dumps(kept))

    def _whose(self) -> str:
        return f"{self._credentials.user} {self._homeserver}"


_WHOAMI = path_of("account", "whoami")


def _device_in(answer: dict[str, Any]) -> str:
    """The device that a token belongs to; empty where it belongs to none."""
    value = answer.get("device_id", "")
    return value if isinstance(value, str) else ""


def _told(answer: dict[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise Busy(_("The homeserver answers nonsense"))
    return value
