"""The parts that every job needs, in one place; `bot.app` puts them together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bot.core.approvals import Approvals
from bot.core.calling import Calling
from bot.core.chat import Chat
from bot.core.command import Registry
from bot.core.masking import masked
from bot.core.own import Own
from bot.core.policy import Policy, Rights, Rule
from bot.core.pulse import Pulse
from bot.core.rooms import Rooms
from bot.core.tally import Tally
from bot.core.watch import Watch
from bot.engine.alerts import Alerts
from bot.engine.approvals import Requests
from bot.engine.clocks import ClockRules, Clocks
from bot.engine.console_memory import ConsoleMemory
from bot.engine.consoles import ConsoleRules
from bot.engine.glass import Glass
from bot.engine.grants import Grants
from bot.engine.holds import Holds
from bot.engine.incidents import Incidents
from bot.engine.inventory import Inventory
from bot.engine.locks import Locks
from bot.engine.outbox import Outbox
from bot.engine.owners import Owners
from bot.engine.pins import Pins
from bot.engine.store import Store
from bot.engine.timekeeper import Timekeeper
from bot.engine.typing import Typing
from bot.engine.world import Timing, World

if TYPE_CHECKING:
    from bot.engine.jobs import Job
    from bot.engine.reload import Fresh
    from bot.engine.run import Run


@dataclass
class Engine:
    """One running bot, without its loops."""

    store: Store
    chat: Chat
    outbox: Outbox
    registry: Registry
    policy: Policy
    world: World
    inventory: Inventory
    owners: Owners
    pins: Pins
    timing: Timing
    #: seconds since 1970
    clock: Callable[[], float]
    prefix: str
    #: which commands may be used where
    rooms: Rooms
    #: where one line goes for each command that changed something; None: where it was asked
    audit_room: str | None = None
    #: seconds between two posts of the record's head; None: it is never posted
    post_head_every: float | None = None
    #: the longest command that is taken, in bytes
    command_bytes: int = 2048
    #: the DomUs that the bot depends on
    own: Own = field(default_factory=Own)
    #: what has to be confirmed or approved
    approvals: Approvals = field(default_factory=Approvals)
    #: reads the policy from its file again; None where there is no file
    reload: Callable[[], Awaitable[Fresh]] | None = None
    #: whose devices are believed
    trust: Literal["cross-signed", "any"] = "cross-signed"
    #: what is looked at, and how often where the config says so
    watches: Sequence[Watch] = ()
    #: who is called about alerts, and how often
    calling: Calling = field(default_factory=Calling)
    #: where reports of incidents are written, and the time zone that they have beside UTC
    reports: Path | None = None
    timezone: str = "UTC"
    #: how consoles are read, and what of them is shown
    console: ConsoleRules = field(default_factory=ConsoleRules)
    seen: ConsoleMemory = field(default_factory=ConsoleMemory)
    #: seconds of a clock that nobody sets or turns
    steady: Callable[[], float] = time.monotonic
    #: how clocks are measured, judged and mended
    clock_rules: ClockRules = field(default_factory=ClockRules)
    tally: Tally = field(default_factory=Tally)
    #: whether the chat is heard; None where nobody keeps it
    pulse: Pulse | None = None
    version: str = ""
    started: float = 0.0
    locks: Locks = field(default_factory=Locks)
    running: dict[int, Run] = field(default_factory=dict)
    #: jobs that this process has begun, or that it will never begin
    begun: set[int] = field(default_factory=set)
    #: set when there are jobs to begin: those that are `fresh`, or others as well if `look`
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    #: jobs that came in just now, as the store has them
    fresh: list[Job] = field(default_factory=list)
    look: bool = True
    #: whether the jobs of an earlier life of the bot were looked after
    recovered: bool = False
    #: how many edits of progress were queued
    edits: int = 0
    typing: Typing = field(init=False)
    timekeeper: Timekeeper = field(init=False)
    grants: Grants = field(init=False)
    glass: Glass = field(init=False)
    requests: Requests = field(init=False)
    holds: Holds = field(init=False)
    alerts: Alerts = field(init=False)
    incidents: Incidents = field(init=False)
    clocks: Clocks = field(init=False)

    def __post_init__(self) -> None:
        self.typing = Typing(self.chat)
        self.timekeeper = Timekeeper(self.clock, again=self.timing.follow_every)
        self.grants = Grants(self.store)
        self.glass = Glass(self.store)
        self.requests = Requests(self)
        self.holds = Holds(self)
        self.alerts = Alerts(self)
        self.incidents = Incidents(self)
        self.clocks = Clocks(self)

    def rights(self, person: str, room: str, *, without: int | None = None) -> Rights:
        """Everything that *person* may do in *room* now, by roles and by grants.

        *without*: the number of a grant that counts no more.
        """
        policy, here, now = self.policy, self.rooms.called(room), self.clock()
        rights = policy.of(person, here)
        if person not in policy.roles:
            return rights
        granted = [
            Rule(grant.parsed, grant.source(now), policy.of(grant.by, here))
            for grant in self.grants.of(person, now)
            if grant.id != without and grant.parsed.has_room(here)
        ]
        return replace(rights, allow=(*rights.allow, *granted)) if granted else rights

    def shown(self, line: str) -> str:
        """The command *line* as people may read it, and as it is kept."""
        return masked(self.registry, line, self.prefix).line

    def look_for_jobs(self) -> None:
        """There may be jobs to begin in the store."""
        self.look = True
        self.arrived.set()

    def begin(self, fresh: Iterable[Job]) -> None:
        """There are jobs to begin that came in just now; nobody has to read them first."""
        self.fresh += fresh
        self.arrived.set()

    def txn(self, name: str) -> str:
        """A transaction id that no other store of this site ever used."""
        return f"n-{self.store.site_id[:12]}-{name}"
