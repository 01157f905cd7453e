"""What a sign that somebody puts on a message means: the command that one would type."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Message
from bot.engine import alert_rows, requested
from bot.engine.engine import Engine

#: what says yes and no to a plan, and what clients put after a sign to have it in colour
YES, NO, VARIATION = "✅", "❌", "\ufe0f"
#: what is said so of the alerts that the message tells
_OF_ALERTS = {
    YES: "alert ack",
    "👀": "alert ack",
    "🔕": "alert silence for 1h reason by a sign",
}
#: what puts any message on the timeline of an incident
PIN = "📌"


async def line_of(engine: Engine, tx: AsyncConnection, message: Message) -> str:
    """The command line that the sign *message* means where it stands; empty for none."""
    sign = message.body.rstrip(VARIATION)
    words = await _of_request(tx, message, sign)
    if not words and sign in _OF_ALERTS and message.room == engine.rooms.main:
        number = await engine.alerts.message_of(tx, message.target)
        if number is not None and await alert_rows.any_open(tx, number):
            words = _OF_ALERTS[sign]
    if not words and sign == PIN and engine.policy.person(message.sender) is not None:
        words = "incident pin"
    return f"{engine.prefix}{words}" if words else ""


async def _of_request(tx: AsyncConnection, message: Message, sign: str) -> str:
    """The answer to the plan that waits where the sign stands."""
    if sign not in (YES, NO):
        return ""
    found = await requested.of_post(tx, message.target)
    if found is None or message.room != found[1].room:
        return ""
    request = found[0]
    verb = "deny" if sign == NO else requested.VERBS[request.need]
    return f"{verb} {request.code}"
