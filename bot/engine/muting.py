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

    Only what is about the alert's own objects mutes it.  Where data is being destroyed, holds and
    maintenance mute nothing: nobody placed them for that.
    """
    if not alert.objects:
        return ""
    for run in engine.running.values():
        works = run.job.risk > Risk.READS and (
            run.job.state is State.RUNNING or run.plan is not None
        )
        if works and alert.objects & run.aim.touches:
            return _("job {job} is at work on it").format(job=run.job.id)
    if alert.loud:
        return ""
    hosts = frozenset(name for thing, name in alert.objects if thing is Thing.HOST)
    barring = engine.holds.against(Aim(alert.objects, hosts))
    return barring[0].sentence(engine.clock()) if barring else ""
