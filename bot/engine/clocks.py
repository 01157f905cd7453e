"""Measuring the clocks of the site: Dom0s, DomUs, the reference, and the bot's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.core.clock_account import Account
from bot.core.clock_sweep import Measured, Sweep, difference
from bot.core.clock_text import size
from bot.core.clocks import BOT, Reading, Role, Thresholds, Whose
from bot.core.time_service import TimeService
from bot.devices.clock import GRAIN, NtpAnswer, NtpWire, Stopwatch, read_by_ntp, read_by_ssh
from bot.devices.host import Host
from bot.devices.kernel import kernel_call
from bot.devices.session import Session
from bot.devices.time_service import TimeServiceDriver
from bot.engine import clock_account, clock_history
from bot.errors import DeviceError, StoreError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine

#: as many guests' connections stay open from one sweep to the next
KEPT_OPEN = 50


@dataclass(frozen=True)
class ClockRules:
    """How clocks are measured, judged and mended: seconds, all from the config."""

    #: the address of the reference; empty for the bot's own clock
    reference: str = ""
    probes: int = 5
    at_once: int = 16
    thresholds: Thresholds = field(default_factory=Thresholds)
    #: a drift that reaches the next threshold within this time is told before
    ahead: float = 6 * 3600.0
    keep: float = 90 * 86400.0
    slew_below: float = 1.0
    may_step: bool = True
    may_restart: bool = False
    patience: float = 120.0
    #: how long all clocks may take at a time
    sweep: float = 240.0
    #: of two Dom0s between which a guest is moved
    limit: float = 0.05
    behind: float = 0.01


@dataclass(frozen=True)
class Machine:
    """A machine whose clock may be asked, and by which ways."""

    whose: Whose
    session: Session | None = None
    ntp: NtpWire | None = None
    #: the Dom0 that a guest runs on
    host: str = ""


class Clocks:
    """Measures; remembers which time service runs where, and what was measured last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._services: dict[Whose, type[TimeServiceDriver]] = {}
        #: what did not answer the last time
        self._silent: set[Whose] = set()
        #: the last sweep over everything; None before the first
        self.last: Sweep | None = None

    @property
    def rules(self) -> ClockRules:
        return self._engine.clock_rules

    @property
    def reference(self) -> Whose:
        """Whose time is held to be right."""
        if self._engine.world.reference is None:
            return BOT
        return Whose(Role.REFERENCE, self.rules.reference)

    async def everything(self) -> Sweep:
        """Measure every Dom0, and every DomU that runs."""
        self.last = await self.measure(await self.machines())
        return self.last

    async def machines(self) -> list[Machine]:
        """Every Dom0, and every DomU that runs; with those that a Dom0 does not tell of now."""
        world = self._engine.world
        places, silent = await self.places()
        names = set(places) | (set(world.guests) if silent else set())
        guests = (self.guest(name, places.get(name, "")) for name in sorted(names))
        return [*map(self.host, world.hosts.values()), *guests]

    def host(self, host: Host) -> Machine:
        """The machine that the Dom0 *host* is."""
        return Machine(Whose(Role.HOST, host.name), host.toolstack.session)

    def guest(self, name: str, host: str = "") -> Machine:
        """The machine that the DomU *name* is, which runs on *host*."""
        access = self._engine.world.guests.get(name)
        whose = Whose(Role.GUEST, name)
        if access is None:
            return Machine(whose, host=host)
        return Machine(whose, access.session, access.ntp, host)

    async def places(self) -> tuple[dict[str, str], bool]:
        """Where each guest runs by one look at every host, and whether a host did not answer."""

        async def listed(host: Host) -> list[tuple[str, str]] | None:
            try:
                domains = await host.toolstack.domains()
            except DeviceError:
                return None
            return [(domain.plain_name, host.name) for domain in domains]

        answers = await asyncio.gather(*map(listed, self._engine.world.hosts.values()))
        found = dict(pair for answer in answers if answer is not None for pair in answer)
        return found, None in answers

    async def measure(self, machines: Iterable[Machine], *, closely: bool = True) -> Sweep:
        """Measure *machines* and the reference, all at the same time as far as that goes.

        *closely*: also ask what their time services say.  What cannot be measured says why, and so
        does what is not measured within the patience for a sweep: those that were silent the last
        time are asked last.
        """
        chosen = sorted(machines, key=lambda each: each.whose in self._silent)
        turns = asyncio.Semaphore(self.rules.at_once)

        begun = set[Whose]()

        async def measured(machine: Machine) -> Measured:
            async with turns:
                begun.add(machine.whose)
                return await self._measured(machine, closely=closely)

        tasks = {BOT: asyncio.ensure_future(self._reference())}
        tasks |= {each.whose: asyncio.ensure_future(measured(each)) for each in chosen}
        try:
            await asyncio.wait(tasks.values(), timeout=self.rules.sweep)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.wait(tasks.values())
        wanted = self._result(tasks.pop(BOT), Machine(self.reference))
        found = [self._result(tasks[each.whose], each) for each in chosen]
        silent = {each.whose for each in found if each.measurable and each.reading is None}
        # whoever had no turn is not silent, and is asked before those that are
        self._silent = (self._silent - begun) | (silent & begun)
        others = [] if wanted.whose == BOT else [self._own()]
        right = wanted.whose if wanted.reading is not None else BOT
        measured_all = (wanted, *others, *found)
        return Sweep(self._engine.clock(), measured_all, right, self.rules.thresholds.notice)

    def _result(self, task: asyncio.Future[Measured], machine: Machine) -> Measured:
        if not task.cancelled():
            return task.result()
        why = _("{name} was not measured in time.").format(name=machine.whose)
        return replace(self._blank(machine), why=why)

    def _own(self) -> Measured:
        """The bot's own clock, against itself."""
        return replace(self._blank(Machine(BOT)), reading=Reading(0.0, GRAIN))

    def _blank(self, machine: Machine) -> Measured:
        """What is known of *machine* now, before it was asked."""
        now = self.stopwatch.now()
        return Measured(machine.whose, now.wall, host=machine.host, instant=now)

    async def accounts(self, sweep: Sweep) -> list[Account]:
        """What is known of each Dom0 and DomU of *sweep*; raises `StoreError`."""
        return await clock_account.accounts(self._engine, sweep)

    async def keep(self, sweep: Sweep) -> None:
        """Keep what *sweep* measured in the history, if that can be done."""
        with suppress(StoreError):
            await clock_history.keep(self._engine.store, sweep)

    async def apart(self, one: Host, other: Host) -> Reading:
        """How far the clock of *one* is ahead of that of *other*; raises as drivers do."""
        machines = map(self.host, (one, other))
        first, second = await asyncio.gather(
            *(self._measured(each, closely=False) for each in machines)
        )
        found = difference(first, second)
        if found is None:
            raise DeviceError(first.why or second.why)
        return found

    async def of_guest(self, name: str) -> Measured:
        """The clock of the DomU *name* against the bot's, or why nobody can say."""
        return await self._measured(self.guest(name), closely=False)

    @property
    def stopwatch(self) -> Stopwatch:
        return Stopwatch(self._engine.clock, self._engine.steady)

    async def _reference(self) -> Measured:
        """The reference: a time server where the config names one, else the bot's own clock."""
        wire = self._engine.world.reference
        if wire is None:
            return self._own()
        machine = Machine(self.reference)
        try:
            reading, answer = await read_by_ntp(wire, self.stopwatch, self.rules.probes)
        except DeviceError as error:
            return replace(self._blank(machine), why=str(error))
        if why := self._unsure(answer):
            return replace(self._blank(machine), why=why)
        return replace(self._blank(machine), reading=reading)

    def _unsure(self, answer: NtpAnswer) -> str:
        """Why the reference is none by its own account; empty where it is one."""
        values = {"name": self.reference, "bound": size(answer.bound)}
        if not answer.synchronised:
            return _("{name} says that its clock is not synchronised.").format(**values)
        if answer.bound > self.rules.thresholds.notice:
            return _("{name} says that its clock may be wrong by {bound}.").format(**values)
        return ""

    async def _measured(self, machine: Machine, *, closely: bool) -> Measured:
        session, ntp = machine.session, machine.ntp
        try:
            if session is not None:
                reading = await read_by_ssh(session, self.stopwatch, self.rules.probes)
                found = replace(self._blank(machine), reading=reading)
                return await self._closely(found, session) if closely else found
            if ntp is not None:
                reading, _answer = await read_by_ntp(ntp, self.stopwatch, self.rules.probes)
                return replace(self._blank(machine), reading=reading)
        except DeviceError as error:
            return replace(self._blank(machine), why=str(error))
        finally:
            await self._let_go(machine)
        why = _("The config gives no way into {name}.").format(name=machine.whose)
        return replace(self._blank(machine), why=why, measurable=False)

    async def _let_go(self, machine: Machine) -> None:
        """Close the way into a guest where there are too many to keep all open."""
        guests = self._engine.world.guests
        if machine.whose.role is Role.GUEST and len(guests) > KEPT_OPEN and machine.session:
            await machine.session.close()

    async def _closely(self, found: Measured, session: Session) -> Measured:
        """*found* with what its time service and its kernel say, as far as they do."""
        try:
            kernel = await session.run(kernel_call())
            found = replace(found, kernel=kernel)
            return replace(found, service=await self._service(found.whose, session))
        except DeviceError as error:
            return replace(found, unclear=str(error))

    async def _service(self, whose: Whose, session: Session) -> TimeService | None:
        """The time service that runs there; else one that is installed; None for none."""
        found: TimeService | None = None
        for kind in self._order(whose):
            service = await kind(whose.name, session).look()
            if service is not None and service.runs:
                self._services[whose] = kind
                return service
            found = found or service
        return found

    def _order(self, whose: Whose) -> Sequence[type[TimeServiceDriver]]:
        """The kinds of time services, the one that ran there before first."""
        kinds = self._engine.world.time_services
        before = self._services.get(whose)
        return sorted(kinds, key=lambda kind: kind is not before)
