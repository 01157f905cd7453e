"""A DomU as the bot reaches it from outside the host: by its address, not by its console."""

from __future__ import annotations

from dataclasses import dataclass

from bot.devices.clock import NtpWire
from bot.devices.session import Session


@dataclass(frozen=True)
class GuestAccess:
    """The ways into one DomU that the config gives; None for a way that it does not."""

    name: str
    address: str
    session: Session | None = None
    ntp: NtpWire | None = None
