"""Every change that is sent to a device, in the record before it is sent, and what came back."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from bot.core.tally import Tally
from bot.core.text import clean, mask
from bot.devices.session import Call, Output, Session, T
from bot.engine import audit_log
from bot.engine.store import Store
from bot.errors import BotError, StoreError, Unreachable

if TYPE_CHECKING:
    from bot.engine.run import Run

log = structlog.get_logger()

#: the job in whose name things are sent; where there is none, the bot does it by itself
current: ContextVar[Run | None] = ContextVar("current", default=None)


class RecordedSession(Session):
    """The *session* with the device *where*.

    Each call is counted in *tally*; each that changes something is kept in *store*.
    """

    def __init__(
        self,
        session: Session,
        where: str,
        store: Store,
        clock: Callable[[], float],
        tally: Tally,
    ) -> None:
        self._session = session
        self._where = where
        self._store = store
        self._clock = clock
        self._tally = tally

    async def run(self, call: Call[T]) -> T:
        """As `Session.run`; raises `StoreError`, and sends nothing, where it cannot be recorded."""
        if not call.changes:
            return await self._counted(call)
        keys = {"keys": call.keys} if call.keys else {}
        await self._record("sent", {"words": shlex.join(call.shown)} | keys)
        exits: dict[str, Any] = {}

        def parse(output: Output) -> T:
            exits["exit"] = output.exit
            return call.parse(output)

        try:
            answer = await self._counted(replace(call, parse=parse))
        except BotError as error:
            why = clean(mask(str(error), call.hidden))
            await self._returned(exits | {"error": error.code, "why": why})
            raise
        await self._returned(exits)
        return answer

    async def _counted(self, call: Call[T]) -> T:
        try:
            answer = await self._session.run(call)
        except BotError as error:
            self._tally.calls[self._where, error.code] += 1
            if isinstance(error, Unreachable) and (run := current.get()) is not None:
                run.silent.add(self._where)
            raise
        self._tally.calls[self._where, "ok"] += 1
        return answer

    async def close(self) -> None:
        await self._session.close()

    async def _returned(self, data: dict[str, Any]) -> None:
        """Record what came back; a store that fails here hides nothing of it."""
        try:
            await self._record("returned", data)
        except StoreError as error:
            log.error("return not recorded", where=self._where, why=str(error))
            if (run := current.get()) is not None:
                run.record_incomplete = True

    async def _record(self, kind: str, data: dict[str, Any]) -> None:
        run = current.get()
        about = {"person": audit_log.BOT} if run is None else run.about
        async with self._store.write() as tx:
            await audit_log.append(tx, kind, about | {"where": self._where} | data, self._clock())
