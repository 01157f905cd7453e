"""What no right permits: a command in a room that does not take it, or against the bot itself."""

from __future__ import annotations

from bot.core.command import Bound, Command
from bot.core.risk import Risk
from bot.core.rooms import Rooms
from bot.engine.engine import Engine
from bot.errors import Denied
from bot.i18n import _


def demand_room(rooms: Rooms, room: str, command: Command) -> None:
    """Make sure that *command* may be used in *room*; raises `Denied`, which says where it may."""
    if rooms.take(room, command):
        return
    there = ", ".join(rooms.that_take(command))
    if not there:
        raise Denied(_("{command} may not be used in any room.").format(command=command.name))
    if rooms.is_private(room):
        why = _("{command} changes something, so it may not be used in private; use it in {rooms}.")
    else:
        why = _("{command} may not be used in this room; use it in {rooms}.")
    raise Denied(why.format(command=command.name, rooms=there))


def objections(engine: Engine, command: Command, bound: Bound) -> list[str]:
    """Why *command* could end or silence the bot itself; empty where it could not.

    Nothing is looked up for it.  A Dom0 on which the bot's own DomU runs is for the commands that
    stop Dom0s, of which there is none yet.
    """
    if command.risk < Risk.INTERRUPTS:
        return []
    named = [name for kind, name in bound.objects if kind == "domu"]
    return [why for name in named if (why := engine.own.objection(name))]
