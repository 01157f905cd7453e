"""What a command sees of the running bot: who asked, the world, its own job, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bot.core.command import Command, Registry
from bot.core.plan import Plan
from bot.core.policy import Rights
from bot.devices.host import Detached, Host
from bot.devices.xen import Domain
from bot.engine import guards, pictures, snapshots
from bot.engine.alerts import Alerts
from bot.engine.clocks import Clocks
from bot.engine.consoles import ConsoleRules
from bot.engine.holds import Holds
from bot.engine.incidents import Incidents
from bot.engine.inventory import Inventory
from bot.engine.jobs import Job
from bot.engine.pins import Pins
from bot.engine.records import Records
from bot.engine.snapshots import Snapshot
from bot.engine.world import Timing, World
from bot.errors import BotError, StoreError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine
    from bot.engine.run import Run


class Cancelled(BotError):
    """The job was cancelled."""

    code = "cancelled"


class Requeue(BotError):
    """Nothing was changed, so the job may begin anew."""

    code = "requeue"


class Context:
    """One command of one person, while it runs."""

    def __init__(self, run: Run, rights: Rights) -> None:
        self._run = run
        self.rights = rights
        #: what the plan found, under the locks; None for a command without a plan
        self.plan: Plan | None = None
        #: what was noted before the bot died; filled in recovery
        self.notes: dict[str, Any] = {}

    @property
    def engine(self) -> Engine:
        """The whole bot; for the engine's own modules, not for commands."""
        return self._run.engine

    @property
    def job(self) -> Job:
        return self._run.job

    @property
    def person(self) -> str:
        return self._run.job.person

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of who asked."""
        return tuple(self._run.engine.policy.roles.get(self.person, ()))

    def chat_ids(self, person: str) -> tuple[str, ...]:
        """The chat ids of the member *person*; none where the config names nobody so."""
        return tuple(user for user, name in self.engine.policy.persons.items() if name == person)

    @property
    def pins(self) -> Pins:
        """The keys that persons sign their devices with."""
        return self._run.engine.pins

    @property
    def holds(self) -> Holds:
        """What nobody may touch now."""
        return self._run.engine.holds

    @property
    def alerts(self) -> Alerts:
        """What the bot noticed, or was told of."""
        return self._run.engine.alerts

    @property
    def clocks(self) -> Clocks:
        """The clocks of the site, to measure."""
        return self._run.engine.clocks

    @property
    def incidents(self) -> Incidents:
        """What several people handle together."""
        return self._run.engine.incidents

    @property
    def version(self) -> str:
        return self._run.engine.version

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self._run.engine.clock()

    @property
    def uptime(self) -> float:
        """Seconds since the bot started."""
        return self._run.engine.clock() - self._run.engine.started

    async def foreign_owner(self, host: Host) -> str:
        """The id of another bot that owns *host*; empty where it is ours."""
        return await self._run.engine.owners.foreign(host)

    @property
    def world(self) -> World:
        return self._run.engine.world

    @property
    def inventory(self) -> Inventory:
        return self._run.engine.inventory

    @property
    def registry(self) -> Registry:
        return self._run.engine.registry

    @property
    def encrypted_rooms(self) -> dict[str, bool | None]:
        """Each room of the config, and whether it is encrypted; None where that is not known."""
        engine = self._run.engine
        return {room: engine.chat.encrypted(room) for room in engine.rooms.names}

    async def stuck_rooms(self) -> dict[str, int]:
        """The rooms in which nothing can be said now, and how many posts wait for each."""
        return await self._run.engine.outbox.stuck()

    def may_use(self, command: Command) -> bool:
        """Whether the asker may use *command* here, on some object at least."""
        here = self._run.engine.rooms.take(self.job.room, command)
        return here and guards.may_use(command, self.rights)

    @property
    def timing(self) -> Timing:
        return self._run.engine.timing

    @property
    def console_rules(self) -> ConsoleRules:
        """How consoles are read, and what of them is shown."""
        return self._run.engine.console

    @property
    def site_id(self) -> str:
        """The id of this bot's store; never that of another."""
        return self._run.engine.store.site_id

    @property
    def prefix(self) -> str:
        return self._run.engine.prefix

    def shown(self, line: str) -> str:
        """The command *line* as people may read it."""
        return self._run.engine.shown(line)

    @property
    def records(self) -> Records:
        """Jobs and the audit record, to read, cancel and settle."""
        return Records(self._run.engine)

    @asynccontextmanager
    async def step(self, title: str, *, changes: bool = False) -> AsyncIterator[None]:
        """One line of progress, journalled before it starts and after it ends.

        A step that *changes* something raises `StoreError` rather than begin unrecorded; any step
        raises `Cancelled` when the job was cancelled before it.
        """
        self.give_up()
        entry = await self._run.start_step(title, changes)
        began = asyncio.get_running_loop().time()
        try:
            yield
        except BaseException as error:
            # a bot that is being stopped must not say that the step failed: recovery will look
            if not isinstance(error, asyncio.CancelledError):
                await self._run.end_step(entry, title, _since(began), ok=False)
            raise
        await self._run.end_step(entry, title, _since(began), ok=True)

    async def progress(self, text: str, details: str = "") -> None:
        """News within a step, *details* in a fixed font; the last is shown, not every one."""
        await self._run.progressed(text, details)

    async def returned(self, host: Host, attempt: str, state: Detached) -> None:
        """Record how the command that ran detached on *host* as *attempt* ended."""
        await self._run.returned(host.name, attempt, state)

    async def record(self, kind: str, data: dict[str, object]) -> None:
        """Record what the job found, under *kind*."""
        await self._run.record(kind, data)

    async def pictured(self, moment: str, host: Host, domain: Domain) -> None:
        """Keep what the console of *domain* on *host* shows at this *moment*: before or after.

        It touches the guest in no way, and where it fails that is said, and the job goes on.
        """
        why = await snapshots.take(self._run, moment, host, domain)
        if why:
            words = {"before": _("no picture before: {why}"), "after": _("no picture after: {why}")}
            await self.progress(words[moment].format(why=why))

    async def snapshots(self) -> list[Snapshot]:
        """What consoles showed before and after; nothing where the store does not say."""
        try:
            return await self.records.snapshots(self.job.id)
        except StoreError:
            return []

    @property
    def pictures_wanted(self) -> bool:
        """Whether pictures are posted where the command was typed."""
        return pictures.wanted(self._run.engine, self.job.room)

    @property
    def plots_wanted(self) -> bool:
        """Whether pictures that show no secrets are posted where the command was typed."""
        return pictures.wanted(self._run.engine, self.job.room, secret=False)

    def may_see(self, snapshots: Iterable[Snapshot]) -> list[Snapshot]:
        """Those of *snapshots* that show consoles which the asker may look at."""
        return [each for each in snapshots if self.rights.object("console.show", each.guest)]

    async def note(self, key: str, value: Any) -> None:
        """Keep *value* (JSON) where recovery finds it; on disk before this returns."""
        self.notes[key] = value
        await self._run.note(key, value)

    async def no_return(self) -> None:
        """From here on the job cannot be cancelled; raises `Cancelled` when it just was."""
        self.give_up()
        await self._run.no_return()
        # somebody may have been told meanwhile that it is being cancelled; nothing was sent yet
        if self._run.cancel_requested:
            raise Cancelled

    def give_up(self) -> None:
        """Raise `Cancelled` when somebody cancelled the job before its point of no return."""
        if self._run.cancel_requested and not self.job.no_return:
            raise Cancelled

    def frees(self, event_id: str) -> None:
        """The command *event_id* waits for no person any more, on account of this one."""
        self._run.frees(event_id)

    async def own(self, *hosts: Host) -> None:
        """Make sure that *hosts* are this bot's to change; raises `Refused` where another's."""
        for host in hosts:
            await self._run.engine.owners.demand(host)

    def reserved(self, host: str) -> int:
        """Bytes of memory on *host* that other running jobs will take."""
        return sum(
            int(other.plan.memory.get(host, 0))
            for other in self._run.engine.running.values()
            if other is not self._run and other.plan is not None
        )


def _since(began: float) -> float:
    return asyncio.get_running_loop().time() - began
