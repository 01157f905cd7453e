"""One bot a site: a lock file on each Dom0 says which; a foreign one there means reads only."""

from __future__ import annotations

from bot.core.text import clean
from bot.devices.host import Host
from bot.errors import OutcomeUnknown, Refused
from bot.i18n import _


class Owners:
    """Which hosts are this bot's own; asked once a run, and again while the answer was no."""

    def __init__(self, site_id: str) -> None:
        self._site_id = site_id
        self._mine: set[str] = set()

    async def foreign(self, host: Host) -> str:
        """The id of the other bot that owns *host*; empty where it is ours.

        Writes our id where there is none.  Raises `Unreachable`, `DeviceError`, `OutcomeUnknown`.
        """
        if host.name in self._mine:
            return ""
        owner = (await host.ownership.claim(self._site_id)).strip()
        if owner == self._site_id:
            self._mine.add(host.name)
            return ""
        return clean(owner, 40) or "?"

    async def demand(self, host: Host) -> None:
        """Raise `Refused` unless *host* is ours to change."""
        try:
            owner = await self.foreign(host)
        except OutcomeUnknown as error:
            # claiming twice is harmless, so nothing is unknown that matters
            raise Refused(
                _("{host} does not say which bot it belongs to.").format(host=host.name)
            ) from error
        if owner:
            raise Refused(
                _("{host} belongs to another bot (its id is {owner}): reads only.").format(
                    host=host.name, owner=owner
                ),
                hint=_("Stop the other bot, then remove its owner file on that host."),
            )
