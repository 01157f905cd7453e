"""What tests of approvals say and look for."""

from __future__ import annotations

from typing import Any

from bot.core.chat import Proof
from bot.engine import audit_log
from tests.engine.alive import Bot
from tests.fakes import Said


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def entries(bot: Bot, *kinds: str) -> list[dict[str, Any]]:
    """What the record says under *kinds*, oldest first."""
    async with bot.store.read() as tx:
        tail = await audit_log.tail(tx, 1000)
    return [{"kind": each.kind, **each.data} for each in tail if each.kind in kinds]


def burn(bot: Bot) -> str:
    return bot.chat.say("!burn barn", proof=Proof.SIGNED)
