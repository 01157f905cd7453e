"""The bot's own device and identity on the homeserver: published, signed, and looked at again.

The three secret keys of the identity lie in a file.  An identity of the account that is not in that
file is somebody's: it is never replaced unless the administrator asks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog

from bot.chat.crossing import Secrets, identity_of
from bot.chat.matrix_crypto_olm import Olm
from bot.chat.matrix_events import field
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Rejected, path_of
from bot.core.chat import Report
from bot.i18n import _

_log = structlog.get_logger()

IDENTITY, RESET = "identity.json", "reset-identity"


class DeviceTaken(Exception):
    """The homeserver knows our device by keys that we do not have."""


class Own:
    """Our device *olm* and the identity in *folder*, as *account* publishes them."""

    def __init__(self, account: Account, olm: Olm, folder: Path) -> None:
        self._account = account
        self._olm = olm
        self._file = folder / IDENTITY
        self._reset = folder / RESET
        #: what the administrators should know
        self.reports: list[Report] = []

    async def publish(self) -> None:
        """See to it that the homeserver has our keys, and that our device is signed.

        Raises `DeviceTaken`, and `ConfigError` where the file of the identity is no good.
        """
        me, device = self._olm.user, self._olm.device
        answer = await self._look()
        known = field(answer, "device_keys", me, device)
        if known is None:
            await self._taken({"device_keys": self._olm.published_as()})
            await self.upload(0, fallback=True)
        elif field(known, "keys", f"ed25519:{device}") != self._olm.ed25519:
            raise DeviceTaken
        await self._identify(answer)

    async def upload(self, count: int, *, fallback: bool) -> None:
        """Give the homeserver keys for those who write to us first, where it has *count*."""
        keys = self._olm.fill_up(count, fallback=fallback)
        # an older copy of our keys may have given the same names to others: those never again
        if keys and await self._taken(keys):
            _log.info("crypto.keys_uploaded", count=len(keys.get("one_time_keys", ())))
        self._olm.uploaded()

    async def _taken(self, body: dict[str, Any]) -> bool:
        try:
            await self._account.ask("POST", path_of("keys", "upload"), body)
        except Rejected as error:
            _log.error("crypto.keys_refused", which=sorted(body), error=str(error))
            return False
        return True

    async def _look(self) -> dict[str, Any]:
        query: dict[str, Any] = {"device_keys": {self._olm.user: []}}
        return await self._account.ask("POST", path_of("keys", "query"), query)

    async def _identify(self, answer: object) -> None:
        """Have our device signed by our identity, which is made where there is none at all."""
        me = self._olm.user
        identity = identity_of(answer, me)
        secrets = Secrets.kept(self._file, me)
        resets = self._reset.exists()
        if secrets is None and (identity.master is None or resets):
            secrets = Secrets.make(me)
            secrets.keep(self._file)  # first of all: what is published cannot be made again
        if secrets is None or (identity.master not in (None, secrets.master.public) and not resets):
            self._report_foreign(identity.master or "")
            return
        try:
            if identity.master != secrets.master.public:
                await self._account.confirm(
                    path_of("keys", "device_signing", "upload"), secrets.publication()
                )
                _log.info("crypto.identity_published", user=me, key=secrets.master.public)
            device = identity.devices.get(self._olm.device)
            if device is None or not device.signed or identity.master != secrets.master.public:
                await self._sign(secrets)
        except Rejected as error:
            self._report_refused(error)
            return
        self._reset.unlink(missing_ok=True)

    async def _sign(self, secrets: Secrets) -> None:
        signature = secrets.device_signature(self._olm.published_as())
        answer = await self._account.ask("POST", path_of("keys", "signatures", "upload"), signature)
        if answer.get("failures"):
            _log.error("crypto.signature_refused", failures=str(answer["failures"])[:500])
            return
        _log.info("crypto.device_signed", user=self._olm.user, device=self._olm.device)

    def _report_foreign(self, master: str) -> None:
        _log.error("crypto.foreign_identity", user=self._olm.user, key=master, file=str(self._file))
        sentence = _(
            "The account {user} has a cross-signing identity that the bot does not hold, so nobody"
            " has signed the bot's device, and careful clients do not read it. Restore {file} from"
            " a backup; or make the empty file {reset} and start the bot again, to replace that"
            " identity by a new one."
        ).format(user=self._olm.user, file=self._file, reset=self._reset)
        self.reports.append(Report(f"foreign-identity {master}", sentence))

    def _report_refused(self, error: Rejected) -> None:
        _log.error("crypto.identity_refused", user=self._olm.user, error=str(error))
        sentence = _(
            "The homeserver does not take the bot's cross-signing keys ({why}), so careful clients"
            " do not read the bot. With chat.password in the configuration it may."
        ).format(why=error)
        self.reports.append(Report(f"identity-refused {error.errcode}", sentence))
