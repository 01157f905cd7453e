"""A site whose clocks the bot may mend, in the lab."""

from __future__ import annotations

from bot.core.approvals import Approvals
from bot.engine.clocks import ClockRules
from bot.engine.world import Timing
from bot.lab.clocks.service import Service
from tests.engine.alive import Place

#: how the lines begin that change something about a clock
CHANGES = ("sudo -n chronyc ", "sudo -n systemctl ")


def mending(place: Place) -> Place:
    """*place* with a way into three guests, where nothing waits for an approval."""
    place.guests = ("vm", "zamok", "redisdead")
    place.approvals = Approvals(by_risk={})
    place.timing = Timing(follow_every=5.0)
    place.clock_rules = ClockRules(may_restart=True, patience=90.0)
    return place


def told(place: Place) -> list[str]:
    """Everything that a time service was told, as MACHINE: WORDS."""
    changes = ((line, line.partition(": ")[2]) for line in place.sent)
    return [line.replace("sudo -n ", "") for line, words in changes if words.startswith(CHANGES)]


def service(place: Place, name: str) -> Service:
    """The time service of the machine *name*."""
    found = place.lab.timepieces[name].service
    assert found is not None
    return found


def off(place: Place, name: str, seconds: float) -> None:
    """The clock of *name* jumps."""
    place.lab.timepieces[name].step(seconds)


def misled(place: Place, name: str, seconds: float) -> None:
    """The servers of *name* are all ahead by *seconds* from now on."""
    for server in service(place, name).servers:
        server.offset = seconds


def how_far(place: Place, name: str) -> float:
    """By how much the clock of *name* is off in truth."""
    return abs(place.lab.timepieces[name].offset)
