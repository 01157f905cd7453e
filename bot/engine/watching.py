"""Looking, for ever: each watch by itself, one look at a time, none for longer than it may."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import insert, select, update

from bot.core.alerts import Finding, Severity, Sight
from bot.core.watch import Watch
from bot.engine import schema
from bot.engine.look import Look
from bot.errors import BotError, StoreError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine

log = structlog.get_logger()


async def keep_watching(engine: Engine) -> None:
    """Let every watch of *engine* look, now and again, for ever."""
    async with asyncio.TaskGroup() as group:
        for watch in engine.watches:
            group.create_task(Watching(engine, watch).run())


class Watching:
    """One watch at work.

    A look that fails as devices do says nothing: what stood before stands on.  One that hits a bug
    or does not end is an alert of its own, and the watch goes on.
    """

    def __init__(self, engine: Engine, watch: Watch) -> None:
        self._engine = engine
        self._watch = watch
        self._memory: dict[str, Any] | None = None
        #: in how many looks in a row each finding was there
        self._streaks: dict[str, int] = {}
        # a look is a few calls, each of which the session bounds: less would cut off the very look
        # that finds a device hanging
        self._longest = max(watch.every, engine.timing.census_patience)

    async def run(self) -> None:
        """Look, rest, and look again."""
        while True:
            try:
                await self.once()
            except StoreError as error:
                log.error("watch not recorded", watch=self._watch.name, why=str(error))
            await asyncio.sleep(self._watch.every)

    async def once(self) -> None:
        """Look once; raises `StoreError` where what was seen cannot be kept."""
        name, alerts = self._watch.name, self._engine.alerts
        if self._memory is None:
            self._memory = await self._remembered()
        # a copy: what a look that failed had noted is forgotten with it
        look = Look(self._engine, name, json.loads(json.dumps(self._memory)))
        sight, broken = await self._looked(look)
        await alerts.saw(f"watch {name}", Sight((self._broken(broken),) if broken else ()))
        if sight is not None:
            await alerts.saw(name, self._lasting(sight))
            await self._remember(look.memory)

    async def _looked(self, look: Look) -> tuple[Sight | None, str]:
        """What the watch saw, None where it could not; and what is wrong with the watch itself.

        It looks in a task of its own, so that whatever ends it ends nothing else.
        """
        task = asyncio.ensure_future(self._watch.look(look))
        try:
            await asyncio.wait([task], timeout=self._longest)
            done = task.done()
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not done:
            log.error("watch does not end", watch=self._watch.name)
            return None, _("it does not come to an end")
        error = task.exception()
        if error is None:
            return task.result(), ""
        if isinstance(error, BotError):
            log.warning("watch cannot look", watch=self._watch.name, why=str(error))
            return None, ""
        if not isinstance(error, Exception):
            raise error
        log.error("watch is broken", watch=self._watch.name, exc_info=error)
        return None, type(error).__name__

    def _broken(self, why: str) -> Finding:
        return Finding(
            "broken",
            Severity.WARNING,
            _("The watch {name} is broken: {why}.").format(name=self._watch.name, why=why),
            details=_("What it looks after is not looked after until it is mended."),
            hint=_("The log of the bot says more."),
            group="watches",
        )

    def _lasting(self, sight: Sight) -> Sight:
        """*sight* without what was not there in enough looks, and is no alert yet."""
        before = self._streaks
        self._streaks = {each.key: before.get(each.key, 0) + 1 for each in sight.findings}
        known = {alert.key for alert in self._engine.alerts.desk.of_source(self._watch.name)}
        lasting = tuple(
            each
            for each in sight.findings
            if each.key in known or self._streaks[each.key] >= self._watch.looks
        )
        return Sight(lasting, sight.unseen)

    async def _remembered(self) -> dict[str, Any]:
        sights = schema.sights
        query = select(sights.c.memory).where(sights.c.watch == self._watch.name)
        async with self._engine.store.read() as tx:
            kept = await tx.scalar(query)
        found = json.loads(kept) if kept is not None else {}
        return found if isinstance(found, dict) else {}

    async def _remember(self, memory: dict[str, Any]) -> None:
        if memory == self._memory:
            return
        sights, text = schema.sights, json.dumps(memory)
        name = self._watch.name
        async with self._engine.store.write() as tx:
            change = update(sights).where(sights.c.watch == name).values(memory=text)
            if not (await tx.execute(change)).rowcount:
                await tx.execute(insert(sights).values(watch=name, memory=text))
        self._memory = memory
