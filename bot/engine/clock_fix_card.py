"""The card of mending a clock: what was measured, and what would be done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.clock_mending import Way, consequences, state
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_text import said, side, size
from bot.core.clocks import Reading, Role
from bot.core.plan import Line, Plan, PlannedStep, Thing, Verdict
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.core.time_service import TimeService
from bot.devices.host import Host
from bot.devices.xen import Domain
from bot.engine import at_console, clock_fixable
from bot.engine.clock_fixable import kind_of
from bot.engine.clocks import Machine
from bot.engine.context import Context
from bot.engine.machines import find_machine
from bot.engine.sought import Sought
from bot.i18n import _

#: offsets below this are told apart by nobody who confirms a plan
_LEAST = 0.01
#: as many guests are named in one line
_NAMED = 8


@dataclass(frozen=True)
class Mending:
    """What is to be done to a clock, and how far it was off."""

    machine: Machine
    way: Way
    #: the time service that does it, as its driver is called
    service: str
    before: Reading
    #: whose clock it is, or which runs the guest whose it is
    host: Host
    #: the guests whose clocks follow this one
    followers: tuple[str, ...] = ()

    @property
    def back(self) -> bool:
        """Whether the clock goes back."""
        return self.before.offset > 0

    @property
    def title(self) -> str:
        if self.way is Way.STEP:
            back, forward = (
                _("step the clock of {name} back"),
                _("step the clock of {name} forward"),
            )
            return self._of(back if self.back else forward)
        if self.way is Way.RESTART:
            return self._of(_("start {service} on {name} anew"))
        return self.ask_again

    @property
    def ask_again(self) -> str:
        return self._of(_("let {service} on {name} ask its sources again"))

    def _of(self, sentence: str) -> str:
        return sentence.format(service=self.service, name=self.machine.whose)


@dataclass(frozen=True)
class _Place:
    """The machine, and what of the site goes with it."""

    machine: Machine
    host: Host
    keys: frozenset[str]
    touches: frozenset[tuple[Thing, str]]
    lines: tuple[Line, ...] = ()
    essence: tuple[str, ...] = ()


async def plan_fix(ctx: Context, what: Sought, *, step: bool) -> Plan:
    """Measure, and say what would be done; *step*: at once, however small the offset is.

    Where there is nothing to mend, the plan has no steps, and its facts are the answer.  Raises
    `Refused` where nothing may be done, and `DeviceError` where a host cannot be asked.
    """
    place = await _place(ctx, what)
    whose = place.machine.whose
    hosts = [ctx.clocks.host(each) for each in ctx.world.hosts.values()]
    others = [each for each in hosts if each.whose != whose]
    sweep = await ctx.clocks.measure([place.machine, *others])
    it = sweep.of(whose)
    assert it is not None
    offset = clock_fixable.demand_offset(ctx, sweep, it)
    clock_fixable.demand_trusted(ctx, sweep)
    service = clock_fixable.demand_service(ctx, place.machine, it)
    lines = [*place.lines, *_measured(sweep, it, offset), _kept(service)]
    way = clock_fixable.way(ctx, it, service, offset, step=step)
    if isinstance(way, Reply):
        return Plan(tuple(lines), facts=way)
    mending = Mending(place.machine, way, service.name, offset, place.host)
    return await _plan(ctx, place, mending, lines)


async def _place(ctx: Context, what: Sought) -> _Place:
    """The Dom0 or the DomU that *what* names; raises `Refused` where it cannot be changed."""
    machine = await find_machine(
        ctx.clocks, ctx.inventory, what, lambda name: ctx.rights.object("clock.fix", name), word=2
    )
    name = machine.whose.name
    if machine.whose.role is Role.HOST:
        host = ctx.world.hosts[name]
        await ctx.own(host)
        keys = frozenset({f"clock/{name}", f"migration/{name}"})
        return _Place(machine, host, keys, frozenset({(Thing.HOST, name)}))
    seat, line = await at_console.seat_to_change(ctx, name)
    lines = [line]
    if name == ctx.engine.own.bot:
        text = _("the bot itself runs there: its deadlines go by that clock")
        lines.append(Line(Verdict.LATER, text))
    uuid = seat.domain.uuid
    essence = _("{guest} is on {host} with UUID {uuid}").format(
        guest=name, host=seat.host, uuid=uuid
    )
    return _Place(
        ctx.clocks.guest(name, seat.host.name),
        seat.host,
        frozenset({f"clock/{name}", f"domu/{uuid}"}),
        frozenset({(Thing.DOMU, name), (Thing.UUID, uuid)}),
        tuple(lines),
        (essence,),
    )


def _measured(sweep: Sweep, it: Measured, offset: Reading) -> list[Line]:
    """How far it is off, and which side is wrong."""
    text = _("{name} is {offset}, against {reference}").format(
        name=it.whose, offset=said(offset), reference=sweep.reference
    )
    lines = [Line(Verdict.YES, text, "date +%s.%N")]
    found, which = sweep.agreement(), side(sweep, it.whose).removesuffix(".")
    if which and found is not None:
        lines.append(Line(Verdict.YES if found.most else Verdict.LATER, which))
    if sweep.reference.role is Role.BOT:
        lines.append(Line(Verdict.UNCHECKED, _("whether the bot's own clock is right")))
    return lines


def _kept(service: TimeService) -> Line:
    verdict = Verdict.YES if service.runs else Verdict.LATER
    return Line(verdict, state(service), service.name)


async def _plan(ctx: Context, place: _Place, it: Mending, lines: Sequence[Line]) -> Plan:
    known, unknown, more = await _followers(ctx, it)
    it = replace(it, followers=tuple(each.plain_name for each in known))
    # whoever may follow is locked, and protected by a hold, as those who do
    with_it = [*known, *unknown]
    back = _may_go_back(ctx, it)
    return Plan(
        (*lines, *_what_comes(it, back=back), *more),
        _steps(it),
        place.keys | {f"domu/{each.uuid}" for each in with_it},
        essence=(*place.essence, _essence(it)),
        touches=place.touches
        | {(Thing.DOMU, each.plain_name) for each in with_it}
        | {(Thing.UUID, each.uuid) for each in with_it},
        risk=Risk.INTERRUPTS if back else Risk.CHANGES,
        facts=it,
    )


def _may_go_back(ctx: Context, it: Mending) -> bool:
    """Whether the clock may go back: one that is slewed or started may step it all the same."""
    if it.before.certain:
        return it.back
    return it.before.highest > kind_of(ctx, it.service).steps_from


def _essence(it: Mending) -> str:
    """What must still be so when the locks are held: which way, and its size; not each digit."""
    limit = 10.0 ** math.ceil(math.log10(max(abs(it.before.offset), _LEAST)))
    if not it.before.certain:
        sentence = _("{service} is what keeps the clock of {name}")
    elif it.back:
        sentence = _("{name} is ahead by less than {limit}, and {service} is what keeps its clock")
    else:
        sentence = _("{name} is behind by less than {limit}, and {service} is what keeps its clock")
    return sentence.format(name=it.machine.whose, service=it.service, limit=size(limit))


def _steps(it: Mending) -> tuple[PlannedStep, ...]:
    titles = [it.ask_again, it.title] if it.way is Way.STEP else [it.title]
    return tuple(PlannedStep(str(it.machine.whose), title) for title in titles)


def _what_comes(it: Mending, *, back: bool) -> list[Line]:
    if it.way is Way.SLEW:
        text = _(
            "{service} is asked to look again, and takes the {size} away bit by bit; by its own "
            "configuration it may step the clock instead"
        )
    elif it.way is Way.STEP:
        text = _(
            "{service} steps the clock once it sees the offset itself; else nothing is stepped"
        )
    else:
        text = _("{service} is started anew; by its own configuration it may step the clock then")
    values = {"service": it.service, "size": size(it.before.offset)}
    lines = [Line(Verdict.LATER, each) for each in (text.format(**values), *_jump(it, back=back))]
    if it.way is Way.RESTART:
        lines.append(Line(Verdict.UNCHECKED, _("whether its sources say the right time")))
    return lines


def _jump(it: Mending, *, back: bool) -> list[str]:
    """What a step does to those who read the clock, where there will be one, or one back."""
    if not it.before.certain:
        text = _("within the error, the clock may go back by up to {size}")
        return [text.format(size=size(it.before.highest))] if back else []
    return consequences(it.before) if back or it.way is not Way.SLEW else []


async def _followers(ctx: Context, it: Mending) -> tuple[list[Domain], list[Domain], list[Line]]:
    """The guests whose clocks go with the one of their Dom0, those that may, and the lines."""
    if it.machine.whose.role is not Role.HOST:
        return [], [], []
    domains = await it.host.toolstack.domains()
    machines = [ctx.clocks.guest(each.plain_name, it.host.name) for each in domains]
    sweep = await ctx.clocks.measure([each for each in machines if each.session is not None])
    known, unknown = [], []
    for domain, machine in zip(domains, machines, strict=True):
        found = sweep.of(machine.whose)
        if found is None or found.kernel is None:
            unknown.append(domain)
        elif found.kernel.independent is False:
            known.append(domain)
    lines = []
    if known:
        text = _("the clocks of its guests go with it: {names}")
        lines.append(Line(Verdict.LATER, text.format(names=_some(known))))
    if unknown:
        text = _("whether the clocks of these guests go with it: {names}")
        lines.append(Line(Verdict.UNCHECKED, text.format(names=_some(unknown))))
    return known, unknown, lines


def _some(domains: Sequence[Domain]) -> str:
    names = sorted(each.plain_name for each in domains)
    shown = ", ".join(names[:_NAMED])
    if len(names) <= _NAMED:
        return shown
    return _("{names} and {count} more").format(names=shown, count=len(names) - _NAMED)
