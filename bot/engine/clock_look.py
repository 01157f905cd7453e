"""One look at every clock, for the watch: measured, kept, and put beside what was known before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.core.clock_account import Account
from bot.core.clock_alerts import key_of
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import FASTEST, Trend, is_artefact
from bot.core.clocks import Reading, Role
from bot.engine import clock_history
from bot.engine.clock_account import accounts
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine


async def look(engine: Engine, known: dict[str, Any]) -> tuple[Sweep, list[Account]]:
    """Measure all clocks and keep what was measured; with an account of each, and of the bot's own.

    *known* is remembered from one look to the next: the last reading of each, by
    `clock_alerts.key_of`.  One that is 2^32 ns off it is set aside once; the next then was seen
    *twice*.  Raises `StoreError`.
    """
    sweep = _believed(await engine.clocks.everything(), known)
    engine.clocks.last = sweep
    found = await accounts(engine, sweep)
    await clock_history.keep(engine.store, sweep)
    own = [each for each in sweep.measured if each.whose.role is Role.BOT]
    found += [Account(each, sweep, Trend()) for each in own if each.whose != sweep.reference]
    return sweep, found


def _believed(sweep: Sweep, known: dict[str, Any]) -> Sweep:
    """*sweep* without the readings that are set aside, of which *known* takes note."""
    aside, here = set[str](), set[str]()
    for each in sweep.measured:
        offset, key = sweep.offset(each.whose), key_of(each.whose)
        here.add(key)
        last = known.get(key, {})
        if offset is None:
            # what was set aside has to be said again at once
            last.pop("aside", None)
            continue
        before = Reading(*last["reading"]) if "reading" in last else None
        apart = each.at - last["at"] if "at" in last else 0.0
        twice = _again(last.get("aside"), offset, each.at)
        if not twice and is_artefact(before, offset, apart):
            known[key] = last | {"aside": [offset.offset, offset.bound, each.at]}
            aside.add(key)
        else:
            known[key] = {"reading": [offset.offset, offset.bound], "at": each.at, "twice": twice}
    for key in known.keys() - here:
        del known[key]
    return replace(sweep, measured=tuple(_without(each, aside) for each in sweep.measured))


def _again(aside: list[float] | None, offset: Reading, at: float) -> bool:
    """Whether a clock says what was set aside in the look before."""
    if aside is None:
        return False
    then, bound, since = aside
    return abs(offset.offset - then) <= bound + offset.bound + FASTEST * (at - since)


def _without(each: Measured, aside: set[str]) -> Measured:
    if key_of(each.whose) not in aside:
        return each
    why = _("It was off by 2^32 ns, as clocks say by mistake: measured anew before it is believed.")
    return replace(each, reading=None, why=why)
