"""A Matrix client of the few requests that the demo needs.

Nothing stands between a person who tries the bot and what the homeserver says: it keeps no cache
and tries nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from bot.errors import ChatRefused, ChatUnavailable
from bot.i18n import _


class Client:
    """Speaks to the homeserver at *url* for several accounts of this process."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))
        #: account -> access token
        self.tokens: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def login(self, account: str, password: str) -> None:
        """Get a token for *account*."""
        answer = await self.ask(
            "POST",
            "login",
            None,
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": account},
                "password": password,
                "initial_device_display_name": "nounou demo",
            },
        )
        self.tokens[account] = answer["access_token"]

    async def ask(
        self,
        method: str,
        path: str,
        account: str | None,
        content: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One request of the client API, by *account*.

        Raises `ChatRefused` where the homeserver says no, `ChatUnavailable` where it says nothing.
        """
        headers = {"Authorization": f"Bearer {self.tokens[account]}"} if account else {}
        url = f"{self._url}/_matrix/client/v3/{path}"
        try:
            async with self._session.request(
                method, url, json=content, params=query, headers=headers
            ) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ChatUnavailable(_("the homeserver does not answer")) from error
        if response.status == 200 and isinstance(answer, dict):
            return answer
        why = answer.get("error") if isinstance(answer, dict) else None
        raise ChatRefused(
            _("the homeserver refuses: {why}").format(why=str(why or response.status))
        )
