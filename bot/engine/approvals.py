"""Plans that wait for somebody's word: asking, answering, and using an answer once.

A request is a row; everything that happens to it is one transaction with its record.  Its job waits
beside it, and looks again whenever something happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.approvals import Need, new_code
from bot.core.chat import Proof
from bot.core.risk import Risk
from bot.engine import audit_log
from bot.engine.schema import requests
from bot.errors import Refused
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine


class Standing(Enum):
    """What came of a request."""

    OPEN = "open"
    #: somebody agreed, and its job has not begun
    APPROVED = "approved"
    #: its job has begun
    USED = "used"
    DENIED = "denied"
    #: its job ended before it began
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    #: another one took its place, since the plan is another one
    CHANGED = "changed"


#: a request that can still lead to something
_LIVE = (Standing.OPEN.value, Standing.APPROVED.value)


@dataclass(frozen=True)
class Request:
    """One plan that waits for one answer; times are seconds since 1970."""

    code: str
    job: int
    need: Need
    risk: Risk
    digest: str
    state: Standing
    created: float
    expires: float
    #: whether a sign on the plan can be an answer
    reacts: bool = False
    by: str = ""
    proof: str = ""
    why: str = ""

    def expired(self, now: float) -> bool:
        """Whether it is too late; a clock that went back before its birth cannot be believed."""
        return not self.created <= now < self.expires


class Requests:
    """The requests in the store, and the jobs that wait for them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changed = asyncio.Event()

    async def of_code(self, code: str) -> Request | None:
        async with self._engine.store.read() as tx:
            return await _one(tx, requests.c.code == code)

    async def again(self, request: Request) -> Request:
        """*request* as it is now."""
        found = await self.of_code(request.code)
        assert found is not None, "no request is ever removed"
        return found

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change: take it before looking, so that none in between is missed."""
        return self._changed

    def poke(self) -> None:
        """Let everything that waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()


async def live(tx: AsyncConnection, job: int) -> Request | None:
    """The request of *job* that is open, or approved and not used."""
    return await _one(tx, (requests.c.job == job) & requests.c.state.in_(_LIVE))


async def open_jobs(tx: AsyncConnection) -> frozenset[int]:
    """The jobs that wait for an answer."""
    query = select(requests.c.job).where(requests.c.state == Standing.OPEN.value)
    return frozenset(await tx.scalars(query))


async def used(tx: AsyncConnection, job: int) -> Request | None:
    """The request by which *job* began, the last time that it did; None where it needed none."""
    mine = (requests.c.job == job) & (requests.c.state == Standing.USED.value)
    query = select(requests).where(mine).order_by(requests.c.created.desc()).limit(1)
    return _request((await tx.execute(query)).first())


async def add(tx: AsyncConnection, request: Request) -> None:
    """Put down *request*, which is new; the one before it of its job, if any, is closed."""
    await close(tx, request.job, Standing.CHANGED)
    values = vars(request) | {
        "need": int(request.need),
        "risk": int(request.risk),
        "state": request.state.value,
    }
    await tx.execute(insert(requests).values(**values))


async def fresh_code(tx: AsyncConnection) -> str:
    """A code that no request ever had."""
    code = new_code()
    while await _one(tx, requests.c.code == code) is not None:
        code = new_code()
    return code


async def had_any(tx: AsyncConnection, job: int) -> bool:
    """Whether somebody's word was ever asked for *job*."""
    mine = requests.c.job == job
    return (await tx.execute(select(requests.c.code).where(mine).limit(1))).first() is not None


async def has_changed(tx: AsyncConnection, job: int) -> bool:
    """Whether *job* had another plan before the one that waits now."""
    before = (requests.c.job == job) & (requests.c.state == Standing.CHANGED.value)
    return (await tx.execute(select(requests.c.code).where(before).limit(1))).first() is not None


async def close(tx: AsyncConnection, job: int, state: Standing) -> None:
    """No answer to a request of *job* counts any more."""
    mine = (requests.c.job == job) & requests.c.state.in_(_LIVE)
    await tx.execute(update(requests).where(mine).values(state=state.value))


async def move(
    tx: AsyncConnection,
    request: Request,
    before: Iterable[Standing],
    after: Standing,
    **values: Any,
) -> bool:
    """Move *request* to *after*; false where it is in none of the states *before* any more."""
    there = requests.c.state.in_([state.value for state in before])
    change = update(requests).where((requests.c.code == request.code) & there)
    moved = await tx.execute(change.values(state=after.value, **values))
    return bool(moved.rowcount)


async def agree(
    tx: AsyncConnection, request: Request, by: str, proof: Proof, record: dict[str, Any], now: float
) -> None:
    """Write down that *by* agrees; raises `Refused` where somebody else was faster."""
    values = {"by": by, "proof": proof.value}
    if request.expired(now) or not await move(
        tx, request, [Standing.OPEN], Standing.APPROVED, **values
    ):
        raise Refused(_("This request is no longer open."))
    kind = "approved" if request.need is Need.SECOND else "confirmed"
    await audit_log.append(tx, kind, record | {"via": proof.value}, now)


async def use(tx: AsyncConnection, request: Request) -> None:
    """Use *request* for the job that is set running in *tx*; raises `Refused` the second time."""
    if not await move(tx, request, [Standing.APPROVED], Standing.USED):
        raise Refused(_("The approval of this job was used or taken back meanwhile."))


async def expire(tx: AsyncConnection, request: Request, record: dict[str, Any], now: float) -> None:
    """Write down that nobody answered in time."""
    if await move(tx, request, [Standing.OPEN, Standing.APPROVED], Standing.EXPIRED):
        await audit_log.append(tx, "expired", {"person": audit_log.BOT} | record, now)


async def _one(tx: AsyncConnection, which: Any) -> Request | None:
    return _request((await tx.execute(select(requests).where(which))).one_or_none())


def _request(row: Any) -> Request | None:
    if row is None:
        return None
    values = row._asdict()
    values["need"] = Need(values["need"])
    values["risk"] = Risk(values["risk"])
    values["state"] = Standing(values["state"])
    return Request(**values)
