"""The site as the engine reaches it: hosts, arrays, and how long to wait for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.clocks import Role, Whose
from bot.devices.clock import NtpWire
from bot.devices.guest import GuestAccess
from bot.devices.host import Host
from bot.devices.storage import StorageArray
from bot.devices.time_service import TimeServiceDriver


@dataclass(frozen=True)
class Timing:
    """How often to look and how long to wait, in seconds; every figure comes from the config."""

    follow_every: float = 2.0
    follow_patience: float = 1800.0
    census_every: float = 2.0
    census_patience: float = 120.0
    resume_within: float = 600.0
    #: after a longer silence of the chat, what it brings is listed and not run
    away: float = 120.0
    #: a command that takes longer no longer holds up those behind it, and says that it works
    patience: float = 2.0
    #: to reach a device that is asked by the way
    connect: float = 10.0
    #: for a server to have the power that it was told to have
    power: float = 120.0


@dataclass(frozen=True)
class World:
    """Everything that may be asked or changed."""

    hosts: Mapping[str, Host] = field(default_factory=dict)
    arrays: Mapping[str, StorageArray] = field(default_factory=dict)
    #: the DomUs that the bot can get into
    guests: Mapping[str, GuestAccess] = field(default_factory=dict)
    #: the time server that is right; None for the bot's own clock
    reference: NtpWire | None = None
    #: every time service that may run on a host or a guest, in the order in which they are asked
    time_services: Sequence[type[TimeServiceDriver]] = ()

    def can_log_in(self, whose: Whose) -> bool:
        """Whether the config gives a way to log in on the machine: each Dom0 has one."""
        guest = self.guests.get(whose.name)
        return whose.role is Role.HOST or (guest is not None and guest.session is not None)
