"""What a watch sees of the running bot: the world, what it remembers, what the bot is doing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.core.alerts import Alert
from bot.core.clock_account import Account
from bot.core.clock_sweep import Sweep
from bot.engine import audit_log, clock_look, consoles, roll, schema
from bot.engine.census import Sighting
from bot.engine.clocks import ClockRules
from bot.engine.consoles import Shot
from bot.engine.inventory import Inventory
from bot.engine.records import Records
from bot.engine.world import Timing, World

if TYPE_CHECKING:
    from bot.devices.host import Host
    from bot.engine.engine import Engine

#: how the key begins by which a job locks a DomU
_DOMU = "domu/"


class Look:
    """One look of one watch."""

    def __init__(self, engine: Engine, source: str, memory: dict[str, Any]) -> None:
        self._engine = engine
        self._source = source
        #: kept from one look to the next, and over restarts; whatever JSON can say
        self.memory = memory

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self._engine.clock()

    @property
    def world(self) -> World:
        return self._engine.world

    @property
    def inventory(self) -> Inventory:
        return self._engine.inventory

    @property
    def timing(self) -> Timing:
        return self._engine.timing

    @property
    def records(self) -> Records:
        """Jobs and the audit record, to read."""
        return Records(self._engine)

    @property
    def silence(self) -> float | None:
        """Seconds since the chat was last heard; None where it never was, or cannot be silent."""
        pulse = self._engine.pulse
        return None if pulse is None or pulse.endless else pulse.silence

    @property
    def alerts(self) -> list[Alert]:
        """The alerts of this watch that are not over, those that a person closed among them."""
        return self._engine.alerts.desk.of_source(self._source)

    @property
    def at_work(self) -> frozenset[str]:
        """The UUIDs of the DomUs that a job is at work on, or waits for."""
        keys = self._engine.locks.at_work
        return frozenset(key.removeprefix(_DOMU) for key in keys if key.startswith(_DOMU))

    def shown(self, line: str) -> str:
        """The command *line* as people may read it."""
        return self._engine.shown(line)

    async def stuck_rooms(self) -> dict[str, int]:
        """The rooms in which nothing can be said now, and how many posts wait for each."""
        return await self._engine.outbox.stuck()

    async def foreign_owner(self, host: Host) -> str:
        """The id of another bot that owns *host*; empty where it is ours."""
        return await self._engine.owners.foreign(host)

    async def roll(self) -> roll.Roll:
        """Where every guest is, by two looks at each host."""
        return await roll.call(self.world.hosts.values())

    async def console(self, copy: Sighting) -> Shot | None:
        """What the console of *copy* shows, by its host's log alone; None where none is kept."""
        host = self.world.hosts[copy.host]
        return await consoles.look(self._engine, host, copy.domain, attach=False)

    @property
    def clock_rules(self) -> ClockRules:
        """How clocks are judged."""
        return self._engine.clock_rules

    async def clocks(self) -> tuple[Sweep, list[Account]]:
        """Measure every clock, and keep what was measured; raises `StoreError`."""
        return await clock_look.look(self._engine, self.memory.setdefault("readings", {}))

    async def record_head(self) -> int:
        """The number of the last entry of the record."""
        async with self._engine.store.read() as tx:
            return (await audit_log.head(tx))[0]

    async def changed_since(self, number: int) -> frozenset[str]:
        """The names of all that the bot began to change after entry *number* of the record."""
        audit = schema.audit
        query = select(audit.c.data).where((audit.c.number > number) & (audit.c.kind == "step"))
        async with self._engine.store.read() as tx:
            steps = [json.loads(data) for data in await tx.scalars(query)]
        return frozenset(str(name) for step in steps for name in step.get("objects", ()))
