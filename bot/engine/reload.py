"""Taking over a policy that was changed in its file, whole or not at all; what counts is recorded.

The store keeps the digests of the policy that counted last, so that a start knows whether another
one counts now.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.approvals import Approvals
from bot.core.policy import Asked, Policy
from bot.core.policy_words import described, digest_of, digests
from bot.core.text import clean
from bot.engine import audit_log, jobs, store
from bot.engine.audit_log import BOT
from bot.errors import ConfigError, Refused
from bot.i18n import _

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from bot.engine.context import Context
    from bot.engine.engine import Engine

#: the right to it; somebody has to keep it
VERB = "config.reload"
#: lines that the record keeps of one difference
_MOST = 500
#: the key of the digests in the store
_KEPT = "policy"


@dataclass(frozen=True)
class Fresh:
    """What the file says now."""

    policy: Policy
    approvals: Approvals
    #: keys that only the next start takes over
    later: tuple[str, ...] = ()
    #: what is odd in it, and not wrong
    notices: tuple[str, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        return digests(self.policy, self.approvals)

    @property
    def digest(self) -> str:
        """A SHA-256 of all that would count."""
        return digest_of(self.digests)


async def read(ctx: Context) -> Fresh:
    """What the file says; raises `Refused` where it is wrong, or would lock everybody out."""
    engine = ctx.engine
    if engine.reload is None:
        raise Refused(_("This bot was started without a file."))
    try:
        fresh = await engine.reload()
    except ConfigError as error:
        raise Refused(
            _("Nothing was changed: {why}").format(why=clean(str(error), 500)), hint=error.hint
        ) from error
    if not fresh.policy.persons:
        raise Refused(_("Nothing was changed: the file names no member."))
    if not _somebody_may(engine, fresh.policy):
        raise Refused(
            _("Nothing was changed: nobody would keep the right {right}.").format(right=VERB),
            hint=_("Give it to somebody in the file, and reload again."),
        )
    return fresh


def _somebody_may(engine: Engine, policy: Policy) -> bool:
    rooms = engine.rooms.that_take(engine.registry.commands["config", "reload"])
    return any(
        policy.of(person, room).decide(Asked(VERB)).allowed
        for person in set(policy.persons.values())
        for room in rooms
    )


def same(ctx: Context, fresh: Fresh) -> bool:
    """Whether *fresh* says just what counts now."""
    return fresh.digests == digests(ctx.engine.policy, ctx.engine.approvals)


def difference(ctx: Context, fresh: Fresh) -> list[str]:
    """What *fresh* takes away and adds, one line each."""
    before = described(ctx.engine.policy, ctx.engine.approvals)
    after = described(fresh.policy, fresh.approvals)
    gone = [f"- {_whole(line)}" for line in before if line not in after]
    return gone + [f"+ {_whole(line)}" for line in after if line not in before]


def _whole(line: str) -> str:
    return clean(line, len(line))


async def take_over(ctx: Context, fresh: Fresh, changed: list[str], sentence: str) -> None:
    """Judge everything by *fresh* from now on, and record what is *changed* by that.

    The job says so with *sentence*.
    """
    engine = ctx.engine
    data = {
        "job": ctx.job.id,
        "person": ctx.person,
        "verb": VERB,
        "digest": fresh.digest,
        "difference": changed[:_MOST],
        "later": list(fresh.later),
    }
    async with engine.store.write() as tx:
        await audit_log.append(tx, "reloaded", data, engine.clock())
        await _keep(tx, fresh.digests)
        await jobs.done(tx, ctx.job.id, sentence)
    engine.policy, engine.approvals = fresh.policy, fresh.approvals
    engine.requests.poke()


async def record_policy(engine: Engine) -> None:
    """Record which policy counts from this start on, where it is another than at the last.

    Raises `StoreError`.
    """
    now = digests(engine.policy, engine.approvals)
    async with engine.store.write() as tx:
        before: dict[str, str] = json.loads(await store.get(tx, _KEPT) or "{}")
        if now == before:
            return
        keys = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        data = {"person": BOT, "digest": digest_of(now), "keys": keys[:_MOST]}
        await audit_log.append(tx, "policy", data, engine.clock())
        await _keep(tx, now)


async def _keep(tx: AsyncConnection, kept: dict[str, str]) -> None:
    await store.put(tx, _KEPT, json.dumps(kept))
