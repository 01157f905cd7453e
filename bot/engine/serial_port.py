"""A host's own serial port, seen through its lights-out processor."""

from __future__ import annotations

from bot.devices.console import Way
from bot.devices.host import Host
from bot.engine import consoles
from bot.engine.consoles import Shot
from bot.engine.context import Context
from bot.engine.power_card import lights_out


async def look(ctx: Context, host: Host) -> Shot:
    """What it shows now; nothing is typed.  Raises `ConsoleHeld` where somebody else has it."""
    text = await lights_out(host).view_serial(ctx.engine.console.listen)
    return await consoles.shown(ctx.engine, guest="", host=host.name, way=Way.SERIAL, text=text)
