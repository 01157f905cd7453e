"""A Matrix client of the few requests that the demo needs.

Nothing stands between a person who tries the bot and what the homeserver says: it keeps no cache
and tries nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.errors import ChatRefused, ChatUnavailable
from bot.i18n import _


class Refusal(ChatRefused):
    """The homeserver said no; *answer* is what else it said."""

    def __init__(self, message: str, answer: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.answer = answer


@dataclass(frozen=True)
class Login:
    """One device of one account, logged in."""

    user_id: str
    device_id: str
    token: str = field(repr=False)


class Client:
    """Speaks to the homeserver at *url* for all the devices of this process."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def login(self, account: str, password: str, device_name: str) -> Login:
        """Make a new device of *account*, called *device_name*."""
        answer = await self.ask(
            "POST",
            "login",
            None,
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": account},
                "password": password,
                "initial_device_display_name": device_name,
            },
        )
        return Login(answer["user_id"], answer["device_id"], answer["access_token"])

    async def ask(
        self,
        method: str,
        path: str,
        token: str | None,
        content: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One request of the client API, by whom the *token* belongs to.

        Raises `Refusal` where the homeserver says no, `ChatUnavailable` where it says nothing.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.url}/_matrix/client/v3/{path}"
        try:
            async with self._session.request(
                method, url, json=content, params=query, headers=headers
            ) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ChatUnavailable(_("the homeserver does not answer")) from error
        if not isinstance(answer, dict):
            answer = {}
        if response.status == 200:
            return answer
        raise Refusal(
            _("the homeserver refuses: {why}").format(
                why=str(answer.get("error") or response.status)
            ),
            answer,
        )

    async def ask_as_owner(
        self, path: str, login: Login, password: str, content: Mapping[str, Any]
    ) -> None:
        """A POST for which the homeserver may want the password once more."""
        try:
            await self.ask("POST", path, login.token, content)
        except Refusal as refusal:
            if "session" not in refusal.answer:
                raise
            auth = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": login.user_id},
                "password": password,
                "session": refusal.answer["session"],
            }
            await self.ask("POST", path, login.token, {**content, "auth": auth})
