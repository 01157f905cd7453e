"""Sending letters to devices: sessions are opened with those that we have never written to."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from bot.chat.crossing import Device
from bot.chat.matrix_crypto_olm import Olm
from bot.chat.matrix_events import field, members
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Rejected, path_of

_log = structlog.get_logger()

#: letters a request, so that one stays small
_AT_ONCE = 50
#: after this time a device that had no key to give is asked again
_ASK_AGAIN = 600.0


class Letters:
    """What *account* sends as the device of *olm*."""

    def __init__(self, account: Account, olm: Olm) -> None:
        self._account = account
        self._olm = olm
        #: when devices, by their Curve25519 keys, had no key to give
        self._keyless: dict[str, float] = {}

    async def send(
        self, kind: str, content: Mapping[str, Any], to: Iterable[Device]
    ) -> list[Device]:
        """Write *content* to each of *to*; returns those that it was sent to."""
        devices = list(to)
        await self.open_sessions(device for device in devices if not self._olm.knows(device))
        reached = [device for device in devices if self._olm.knows(device)]
        sent: list[Device] = []
        for start in range(0, len(reached), _AT_ONCE):
            page = reached[start : start + _AT_ONCE]
            if await self._put(self._olm.write_all(page, kind, content)):
                sent += page
        return sent

    async def _put(self, letters: Iterable[tuple[Device, dict[str, Any]]]) -> bool:
        """Hand *letters* over; false where the homeserver does not take them."""
        messages: dict[str, dict[str, Any]] = {}
        for device, letter in letters:
            messages.setdefault(device.user, {})[device.id] = letter
        path = path_of("sendToDevice", "m.room.encrypted", secrets.token_hex(16))
        try:
            await self._account.ask("PUT", path, {"messages": messages})
        except Rejected as error:
            _log.error("crypto.letters_refused", to=sorted(messages), error=str(error))
            return False
        return True

    async def open_sessions(self, devices: Iterable[Device]) -> None:
        """Open a new session with each of *devices* that has a key to give."""
        now = time.monotonic()
        wanted = [d for d in devices if now - self._keyless.get(d.curve25519, -1e9) > _ASK_AGAIN]
        if not wanted:
            return
        query: dict[str, dict[str, str]] = {}
        for device in wanted:
            query.setdefault(device.user, {})[device.id] = "signed_curve25519"
        try:
            answer = await self._account.ask(
                "POST", path_of("keys", "claim"), {"one_time_keys": query}
            )
        except Rejected as error:
            _log.error("crypto.no_keys_to_claim", error=str(error))
            return
        for device in wanted:
            given = members(field(answer, "one_time_keys", device.user, device.id))
            if not any(self._olm.begin(device, key) for key in given.values()):
                _log.warning("crypto.device_without_keys", user=device.user, device=device.id)
                self._keyless[device.curve25519] = now
