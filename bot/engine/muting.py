"""Why nobody is called about an alert: somebody is at work on what it is about, or silenced it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.alerts import Alert
from bot.core.holds import Aim
from bot.core.jobs import State
from bot.core.plan import Thing
from bot.core.risk import Risk
from bot.core.units import moment
from bot.engine.mirror import Lasting
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine


@dataclass(frozen=True)
class Silence(Lasting):
    """One alert of which nobody is called for a time."""

    source: str
    key: str

    def sentence(self, now: float) -> str:
        """Who silenced it, until when, and why; for people."""
        return _("{person} silenced it until {until}: {reason}").format(
            person=self.person, until=moment(self.until, now), reason=self.reason
        )


def muted_by_work(engine: Engine, alert: Alert) -> str:
    """The running job, hold or maintenance that mutes *alert*, as a sentence; empty for none.

    All that the alert is about has to be somebody's work.  Where data is being destroyed nothing
    mutes it: nobody began their work for that.
    """
    if alert.loud or not alert.objects:
        return ""
    reasons = [_work_on(engine, *each) for each in sorted(alert.objects, key=str)]
    return reasons[0] if all(reasons) else ""


def _work_on(engine: Engine, thing: Thing, name: str) -> str:
    """What is being done with the thing called *name*, as a sentence; empty for nothing."""
    for run in engine.running.values():
        works = run.job.risk > Risk.READS and (
            run.job.state is State.RUNNING or run.plan is not None
        )
        if works and (thing, name) in run.aim.touches:
            return _("job {job} is at work on it").format(job=run.job.id)
    hosts = frozenset({name}) if thing is Thing.HOST else frozenset()
    barring = engine.holds.against(Aim(frozenset({(thing, name)}), hosts))
    return barring[0].sentence(engine.clock()) if barring else ""
