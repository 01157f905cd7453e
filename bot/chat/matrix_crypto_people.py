"""Whose device is whose: what the homeserver shows of each user, asked for anew when it changed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from bot.chat.crossing import Identity, identity_of
from bot.chat.matrix_events import members
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import path_of
from bot.core.chat import Proof, Report
from bot.i18n import _

#: seconds after which a user's devices are looked for anew because of a message of an unknown one
_ASK_AGAIN_AFTER = 60.0

#: whether the key that a chat id signs devices with is the one that is pinned for it; the first one
#: that is seen is pinned
Pin = Callable[[str, str], Awaitable[bool]]


class People:
    """The identities of users, as *account* may see them; *pin* remembers their keys."""

    def __init__(self, account: Account, pin: Pin) -> None:
        self._account = account
        self._pin = pin
        self._known: dict[str, Identity] = {}
        #: how often each user was said to have changed, to see a change while we ask
        self._changes: dict[str, int] = {}
        self._asking = asyncio.Lock()
        self._asked_again: dict[str, float] = {}
        #: what the administrators should know
        self.reports: list[Report] = []
        self._reported: set[str] = set()

    def changed(self, users: Iterable[object]) -> None:
        """Ask for these again before they are believed again."""
        for user in users:
            if isinstance(user, str):
                self._changes[user] = self._changes.get(user, 0) + 1
                self._known.pop(user, None)

    async def look_up(self, users: Iterable[str]) -> dict[str, Identity]:
        """The identities of *users* as of now; a user of whom nothing can be learnt has none."""
        users = set(users)
        async with self._asking:
            found = {user: self._known[user] for user in users & self._known.keys()}
            if found.keys() != users:
                found |= await self._ask(users - found.keys())
            return found

    async def proof_of(self, user: str, curve25519: str, ed25519: str) -> Proof | None:
        """What is known of *user*'s device with these keys; None where they have no such device."""
        identity = (await self.look_up((user,)))[user]
        if identity.device_of(curve25519, ed25519) is None and self._may_ask_again(user):
            # it may be newer than what we know
            self.changed((user,))
            identity = (await self.look_up((user,)))[user]
        device = identity.device_of(curve25519, ed25519)
        if device is None:
            return None
        if not await self.believes(identity):
            return Proof.CHANGED
        return Proof.SIGNED if device.signed else Proof.UNSIGNED

    def _may_ask_again(self, user: str) -> bool:
        """Whether it is long enough since; else each message of a removed device would ask."""
        now = time.monotonic()
        if now - self._asked_again.get(user, -math.inf) < _ASK_AGAIN_AFTER:
            return False
        self._asked_again[user] = now
        return True

    async def believes(self, identity: Identity) -> bool:
        """Whether *identity* is signed with the key that is pinned for its user, or with none."""
        user, key = identity.user, identity.master
        if key is None or await self._pin(user, key):
            return True
        if key not in self._reported:
            self._reported.add(key)
            sentence = _(
                "{user} signs devices with another key than before, so nothing that they send is"
                " run. They may have set up encryption anew; somebody may also have broken into"
                " the homeserver. Ask them, then let another person use the command trust."
            ).format(user=user)
            self.reports.append(Report(f"key-changed {user} {key}", sentence))
        return False

    async def _ask(self, users: set[str]) -> dict[str, Identity]:
        before = {user: self._changes.get(user, 0) for user in users}
        query: dict[str, Any] = {"device_keys": {user: [] for user in sorted(users)}}
        answer = await self._account.ask("POST", path_of("keys", "query"), query)
        found = {user: identity_of(answer, user) for user in users}
        unreached = members(answer.get("failures"))
        for user, identity in found.items():
            # whose homeserver could not be asked may have devices all the same
            asked = user.partition(":")[2] not in unreached
            if asked and self._changes.get(user, 0) == before[user]:
                self._known[user] = identity
        return found
