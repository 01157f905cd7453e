"""The bot in encrypted rooms: what comes in is opened and its device proven, what goes out is
sealed for the devices that may read it.

The rest of the chat sees ordinary events.  Nothing is decided here about commands: a `Proof` says
what is known of the device that something was typed on.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.chat import matrix_crypto_megolm as megolm
from bot.chat.matrix_crypto_letters import Letters
from bot.chat.matrix_crypto_mending import Mending
from bot.chat.matrix_crypto_olm import ONE_TIME_KEYS, Letter, Olm, Unreadable
from bot.chat.matrix_crypto_people import People, Pin
from bot.chat.matrix_crypto_self import DeviceTaken, Own
from bot.chat.matrix_crypto_store import KeyStore
from bot.chat.matrix_crypto_voices import Voices
from bot.chat.matrix_events import field, objects
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Busy
from bot.core.chat import Proof, Report
from bot.core.text import clean
from bot.errors import ChatUnavailable, ConfigError
from bot.i18n import _

_log = structlog.get_logger()

#: seconds in which we become another device at most once: each is a login
_ANOTHER_DEVICE_AFTER = 3600.0


@dataclass(frozen=True)
class Machine:
    """What belongs to one device of ours."""

    olm: Olm
    own: Own
    letters: Letters
    voices: Voices


@dataclass(frozen=True)
class Read:
    """An event in clear, and what is known of it; one that cannot be read is as it came."""

    event: dict[str, Any]
    proof: Proof = Proof.PLAIN
    seal: str = ""


class Crypto:
    """The keys of *account* in *folder*; unsigned devices get room keys only where *trust_any*."""

    def __init__(
        self,
        account: Account,
        folder: Path,
        pin: Pin,
        *,
        knows: Callable[[str], bool] = lambda user: True,
        trust_any: bool,
    ) -> None:
        self._account = account
        self._folder = folder
        self._trust_any = trust_any
        self._knows = knows
        self._people = People(account, pin)
        self._mending = Mending(account, self._people)
        self._keys: KeyStore | None = None
        self._made: Machine | None = None
        #: which login our keys were last published after
        self._logins = -1
        self._publishing = asyncio.Lock()
        #: when we last had to become another device
        self._began_anew = -math.inf

    async def start(self) -> None:
        """Have our keys at hand and on the homeserver.  Raises `ConfigError`."""
        if not self._account.device_id:
            user = self._account.user_id
            raise ConfigError(
                _("The access token of {user} belongs to no device").format(user=user),
                hint=_("make a token by logging in, or give the password under chat.password"),
            )
        if self._keys is None:
            self._keys = KeyStore(self._folder)
        await self._publish()

    def close(self) -> None:
        if self._keys is not None:
            self._keys.close()

    def reports(self) -> tuple[Report, ...]:
        """What the administrators should know, told once."""
        lists = (self._machine.own.reports, self._people.reports)
        reports = tuple(report for each in lists for report in each)
        for each in lists:
            each.clear()
        return reports

    async def take(self, answer: object) -> None:
        """Learn from a sync answer, before its events are read; again is harmless."""
        await self._publish()
        self._mending.unopened.clear()
        if letters := objects(field(answer, "to_device", "events")):
            with self._store.change():
                for letter in letters:
                    self._take_one(letter)
        self._machine.voices.take(answer)
        await self._take_device_lists(answer)
        await self._refill(answer)
        await self._mending.replace_lost(self._machine.letters)

    async def read(self, room: str, event: dict[str, Any]) -> Read:
        """*event* in clear, where it can be opened and came from a device of its sender."""
        sender = field(event, "sender")
        if field(event, "type") != "m.room.encrypted" or not isinstance(sender, str):
            return Read(event)
        if sender == self._account.user_id or not self._counts(sender):
            return Read(event)
        found = megolm.opened(self._store, room, event)
        for each in found:
            proof = await self._people.proof_of(sender, each.key.peer, each.key.ed25519)
            if proof is not None:
                return Read(each.event, proof, each.seal)
        if found:
            _log.error("crypto.not_by_its_sender", room=room, sender=sender)
        elif megolm.session_of(event) is not None:
            self._mending.unopened.append((room, event))
        return Read(event)

    def read_own(self, room: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """What we said ourselves by *event*, in clear; None where it cannot be read."""
        found = megolm.opened(self._store, room, event)
        return next((each.event for each in found if each.key.peer == megolm.OURS), None)

    async def read_quoted(self, room: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """*event* in clear, whoever of us said it; None where it cannot be read.

        It was told before, so that nothing is asked for and nothing counts as said anew.
        """
        sender = field(event, "sender")
        if not isinstance(sender, str):
            return None
        if sender == self._account.user_id:
            return self.read_own(room, event)
        for each in megolm.opened(self._store, room, event):
            if await self._people.proof_of(sender, each.key.peer, each.key.ed25519) is not None:
                return each.event
        return None

    def _counts(self, sender: object) -> bool:
        """Whether anything that *sender* encrypts can ever matter to us."""
        return isinstance(sender, str) and (sender == self._account.user_id or self._knows(sender))

    @property
    def lacks_keys(self) -> bool:
        """Whether something of the newest sync answer could not be opened for want of a key."""
        return bool(self._mending.unopened)

    async def ask_for_keys(self) -> None:
        """Ask the devices that have them for the keys that `lacks_keys` speaks of, once."""
        await self._mending.ask_for_keys()

    async def seal(
        self, room: str, kind: str, content: Mapping[str, Any], *, to_unsigned: bool = False
    ) -> dict[str, Any]:
        """As `Voices.say`."""
        await self._publish()
        return await self._machine.voices.say(room, kind, content, to_unsigned=to_unsigned)

    @property
    def _store(self) -> KeyStore:
        if self._keys is None:
            raise ChatUnavailable(_("The keys of the chat are not at hand yet"))
        return self._keys

    @property
    def _machine(self) -> Machine:
        if self._made is None:
            raise ChatUnavailable(_("The keys of the chat are not at hand yet"))
        return self._made

    async def _publish(self) -> None:
        """Publish our keys where that was not done since the last login."""
        if self._account.logins != self._logins:
            async with self._publishing:
                await self._publish_now()

    async def _publish_now(self) -> None:
        logins = self._account.logins
        if logins == self._logins:
            return
        if self._made is None:
            self._made = self._make()
        try:
            await self._machine.own.publish()
        except DeviceTaken:
            logins = await self._begin_anew()
        self._logins = logins

    async def _begin_anew(self) -> int:
        """Be another device, since the homeserver shows keys that are not ours; not in a row."""
        now = time.monotonic()
        if now - self._began_anew < _ANOTHER_DEVICE_AFTER:
            raise Busy(_("The homeserver shows other keys than ours for each of our devices"))
        self._began_anew = now
        _log.error("crypto.device_lost", device=self._account.device_id)
        await self._account.become_another_device()
        logins = self._account.logins
        self._made = self._make()
        try:
            await self._machine.own.publish()
        except DeviceTaken:
            raise Busy(
                _("The homeserver shows other keys than ours for each of our devices")
            ) from None
        return logins

    def _make(self) -> Machine:
        olm = Olm(self._store, self._account.user_id, self._account.device_id)
        letters = Letters(self._account, olm)
        voices = Voices(
            self._account, self._people, letters, olm, self._store, trust_any=self._trust_any
        )
        return Machine(olm, Own(self._account, olm, self._folder), letters, voices)

    def _take_one(self, letter: dict[str, Any]) -> None:
        """Take *letter*, or nothing of it: whoever can write to us must not stop the others."""
        try:
            with self._store.part():
                self._take_letter(letter)
        except (ValueError, RecursionError) as error:
            _log.error(
                "crypto.letter_dropped",
                user=clean(str(field(letter, "sender")), 80),
                why=type(error).__name__,
            )

    def _take_letter(self, event: dict[str, Any]) -> None:
        match field(event, "type"):
            case "m.room.encrypted" if not self._counts(field(event, "sender")):
                pass  # nothing that they say is run, and their keys would fill the disk
            case "m.room.encrypted":
                try:
                    letter = self._machine.olm.read(event)
                except Unreadable as lost:
                    self._mending.lost(lost.user, lost.peer)
                    return
                if letter is not None:
                    self._take_opened(letter)
            case "m.room_key_request":
                device = field(event, "content", "requesting_device_id")
                self._machine.voices.repeat(str(field(event, "sender")), device)

    def _take_opened(self, letter: Letter) -> None:
        brought = megolm.key_in(letter)
        if brought is not None:
            room, key = brought
            self._store.put_room_key(room, key)
            self._mending.arrived(key.session.session_id)

    async def _take_device_lists(self, answer: object) -> None:
        changed, left = (field(answer, "device_lists", name) for name in ("changed", "left"))
        self._people.changed(left if isinstance(left, list) else [])
        if not isinstance(changed, list):
            return
        self._people.changed(changed)
        if self._account.user_id in changed:
            self._logins = -1  # somebody may have changed what is known of us
            await self._publish()

    async def _refill(self, answer: object) -> None:
        """Keep enough keys on the homeserver for those who write to us first."""
        counts = field(answer, "device_one_time_keys_count")
        if not isinstance(counts, dict):
            return
        count = counts.get("signed_curve25519", 0)
        unused = field(answer, "device_unused_fallback_key_types")
        lacks_fallback = isinstance(unused, list) and "signed_curve25519" not in unused
        if isinstance(count, int) and (count < ONE_TIME_KEYS // 2 or lacks_fallback):
            await self._machine.own.upload(max(count, 0), fallback=lacks_fallback)
