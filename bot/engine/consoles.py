"""Reading a console: by its log where the host keeps one, else by the way that touches least."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bot.core.console import Condition, Notice, examine
from bot.core.redaction import DEFAULTS, blacked_out
from bot.core.screen import Screen
from bot.devices.console import Way
from bot.devices.host import Host
from bot.devices.xen import Domain
from bot.engine.aside import aside
from bot.screen.terminal import replay

if TYPE_CHECKING:
    from bot.engine.engine import Engine

#: bytes of a log that are read: some thousand lines
LAST = 64 * 1024


@dataclass(frozen=True)
class ConsoleRules:
    """How consoles are read, and what of them is shown; every figure comes from the config."""

    #: what is blacked out
    redact: Sequence[re.Pattern[str]] = field(
        default_factory=lambda: tuple(map(re.compile, DEFAULTS))
    )
    #: where pictures are posted
    pictures: Literal["encrypted", "always", "never"] = "encrypted"
    #: seconds after which pictures are taken back, and forgotten
    keep: float = 7 * 86400.0
    #: seconds for which a console is listened to that has no log
    listen: float = 2.0
    #: seconds between two looks of a watch, and that it may last
    watch_every: float = 3.0
    watch_longest: float = 600.0


@dataclass(frozen=True)
class Shot:
    """What a console showed at one time; what nobody may read is blacked out."""

    #: the guest; empty where it is the host's own serial port
    guest: str
    host: str
    way: Way
    #: seconds since 1970
    at: float
    screen: Screen
    notices: tuple[Notice, ...]
    #: when it last printed something that is known (seconds since 1970): by the host's clock where
    #: the host keeps a log, else when the bot read it; None if nobody knows
    printed: float | None = None
    #: False where nothing came now: all of it was read before, and somebody else may have read on
    fresh: bool = True
    #: what came now shows by itself; None where nobody can tell it from what was there before
    news: frozenset[Condition] | None = None

    @property
    def whose(self) -> str:
        """Whose console it is."""
        return self.guest or self.host


async def look(
    engine: Engine, host: Host, domain: Domain, *, attach: bool = True, may_visit: bool = False
) -> Shot | None:
    """What the console of *domain* on *host* shows.

    By the host's log of it; else, to *attach*, without a terminal; where this Xen cannot and
    it *may_visit*, with one, typing nothing.  None where none of these ways is there.  Raises
    `ConsoleHeld` where somebody else is attached, and as drivers do.
    """
    toolstack = host.toolstack
    log = await toolstack.console_log(domain.plain_name, LAST)
    if log is not None:
        return await shown(
            engine,
            guest=domain.plain_name,
            host=host.name,
            way=Way.LOG,
            text=log.text,
            printed=log.printed,
        )
    if not attach:
        return None
    if await toolstack.can_view():
        async with engine.seen.turn(host.name, domain.domid):
            text = await toolstack.view_console(domain.domid, engine.console.listen)
        return await _read_away(engine, host, domain, Way.VIEW, text)
    if not may_visit:
        return None
    async with engine.seen.turn(host.name, domain.domid):
        visited = await toolstack.visit_console(domain.domid)
    return await _read_away(engine, host, domain, Way.VISIT, visited.text)


async def type_at(
    engine: Engine,
    host: Host,
    domain: Domain,
    keys: tuple[bytes, ...],
    may_type: Callable[[Sequence[Notice]], bool],
) -> tuple[Shot, bool]:
    """Type *keys* where *may_type* says so of what is shown then; what it shows, whether it did.

    Changes the guest: raises `OutcomeUnknown` where the link broke after something was typed.
    """
    toolstack, guest = host.toolstack, domain.plain_name
    log = await toolstack.console_log(guest, LAST)
    known = engine.seen.known(host.name, domain.domid, domain.uuid)
    before = log.text if log is not None else known.text if known is not None else ""

    def may(text: str) -> bool:
        return may_type(examine(replay(before + text)))

    async with engine.seen.turn(host.name, domain.domid):
        visited = await toolstack.visit_console(domain.domid, keys, may)
    if log is not None:
        text = f"{log.text}{visited.text}"
        shot = await shown(engine, guest=guest, host=host.name, way=Way.VISIT, text=text)
    else:
        shot = await _read_away(engine, host, domain, Way.VISIT, visited.text)
    return shot, visited.typed > 0


async def _read_away(engine: Engine, host: Host, domain: Domain, way: Way, text: str) -> Shot:
    """What a console shows of which *text* was read now, and is not to be had any more."""
    now = engine.clock()
    known = engine.seen.add(host.name, domain.domid, domain.uuid, text, now)
    return await shown(
        engine,
        guest=domain.plain_name,
        host=host.name,
        way=way,
        text=known.text if known is not None else "",
        printed=known.at if known is not None else None,
        new=text,
    )


async def shown(
    engine: Engine,
    *,
    guest: str,
    host: str,
    way: Way,
    text: str,
    printed: float | None = None,
    new: str | None = None,
) -> Shot:
    """What *text*, which a console printed, looks like, and what it says.

    *new*: the part of it that was read now, where that is known.
    """
    screen, notices = await aside(engine.store, _read, text, engine.console.redact)
    news = None
    if new is not None:
        seen = await aside(engine.store, lambda: examine(replay(new)))
        news = frozenset(notice.condition for notice in seen)
    fresh = new is None or bool(new)
    return Shot(guest, host, way, engine.clock(), screen, notices, printed, fresh, news)


def _read(text: str, redact: Sequence[re.Pattern[str]]) -> tuple[Screen, tuple[Notice, ...]]:
    screen = blacked_out(replay(text), redact)
    return screen, examine(screen)
