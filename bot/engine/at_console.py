"""At a guest's console: finding it, telling what it shows, and typing there once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.console import Notice
from bot.core.console_text import advice, headline, lines, screen_text
from bot.core.keys import Keystroke
from bot.core.plan import Line, Plan, PlannedStep, Thing, Verdict
from bot.core.render import Lines, Reply
from bot.core.risk import Risk
from bot.core.text import clean
from bot.core.units import moment
from bot.devices.console import Way
from bot.devices.host import Host
from bot.devices.xen import Domain
from bot.engine import consoles, pictures
from bot.engine.census import take
from bot.engine.consoles import Shot
from bot.engine.context import Context
from bot.engine.noticed import noticed
from bot.errors import DeviceError, OutcomeUnknown, Refused
from bot.i18n import _

#: the last lines of a screen that a plan shows
_SHOWN = 8


@dataclass(frozen=True)
class Seat:
    """One guest's console: where it is now."""

    host: Host
    domain: Domain

    @property
    def guest(self) -> str:
        return self.domain.plain_name


@dataclass(frozen=True)
class Seats:
    """Where a guest is, by one look at every host."""

    found: tuple[Seat, ...]
    #: why each host that did not answer did not
    silent: tuple[str, ...] = ()


async def seats(ctx: Context, guest: str) -> Seats:
    """Where *guest* is, by one look at every host; for what only reads."""
    hosts = list(ctx.world.hosts.values())
    answers = await asyncio.gather(*map(_domains, hosts))
    found = tuple(
        Seat(host, domain)
        for host, answer in zip(hosts, answers, strict=True)
        if not isinstance(answer, str)
        for domain in answer
        if domain.plain_name == guest
    )
    return Seats(found, tuple(answer for answer in answers if isinstance(answer, str)))


async def find(ctx: Context, guest: str) -> Seat:
    """Where *guest* runs; raises `Refused` where that is nowhere that answers, or not one place."""
    there = await seats(ctx, guest)
    if len(there.found) == 1:
        return there.found[0]
    if there.found:
        places = ", ".join(f"{seat.domain.name}@{seat.host}" for seat in there.found)
        raise Refused(
            _("{guest} is there more than once: {places}.").format(guest=guest, places=places),
            hint=_("{prefix}domu show {guest} shows each copy.").format(
                prefix=ctx.prefix, guest=guest
            ),
        )
    if there.silent:
        raise Refused(
            _("{guest} is on no host that answers.").format(guest=guest),
            hint="\n".join(there.silent),
        )
    raise Refused(_no_console(guest))


def _no_console(guest: str) -> str:
    return _("{guest} does not run on any host, so it has no console.").format(guest=guest)


async def _domains(host: Host) -> tuple[Domain, ...] | str:
    try:
        return await host.toolstack.domains()
    except DeviceError as error:
        return _("{host} cannot be asked: {why}").format(host=host, why=error)


async def see(ctx: Context, seat: Seat) -> Shot:
    """What the console shows, read by the way that touches least; raises as `consoles.look`."""
    shot = await consoles.look(ctx.engine, seat.host, seat.domain, may_visit=True)
    assert shot is not None  # a visit is always possible
    return shot


async def answer(ctx: Context, shot: Shot) -> Reply:
    """*shot* for people: the worst first, everything that shows, the screen, how to go on.

    With a picture where the room takes one.  What is alarming becomes an alert where no watch can
    see it; raises `StoreError` where that cannot be kept.
    """
    await noticed(ctx.engine, shot)
    reply = told(ctx, shot)
    if not ctx.pictures_wanted:
        return reply
    return replace(reply, pictures=[await pictures.of(ctx.engine, shot, ctx.person)])


def told(ctx: Context, shot: Shot) -> Reply:
    """*shot* in words."""
    hints = [advice(shot.notices, ctx.prefix), how(ctx, shot)]
    return Reply(
        headline(shot.whose, shot.notices),
        screen_text(shot.screen),
        "\n".join(filter(None, hints)),
        body=[Lines(lines(shot.notices))],
    )


def how(ctx: Context, shot: Shot) -> str:
    """By which way it was read, when, for whom; and what is not known of it."""
    values = {
        "host": shot.host,
        "when": moment(shot.at, shot.at),
        "person": ctx.person,
        "printed": moment(shot.printed, shot.at) if shot.printed is not None else "",
    }
    ways = {
        Way.LOG: _(
            "Read from the log on {host} at {when} for {person}; last printed at {printed}."
        ),
        Way.VIEW: _("Read on {host} at {when} for {person}; nothing was typed."),
        Way.VISIT: _("Read at the console on {host} at {when} for {person}."),
        Way.SERIAL: _("Read from the serial port of {host} at {when} for {person}."),
    }
    said = [ways[shot.way].format(**values)]
    if shot.screen.empty:
        said.append(
            _(
                "Nothing is printed there for a new reader. Where nobody works there, "
                "{prefix}console {guest} --press-enter presses Enter."
            ).format(prefix=ctx.prefix, guest=shot.guest)
        )
    elif not shot.fresh:
        said.append(
            _(
                "Nothing new came since {printed}; who was attached meanwhile may have seen more."
            ).format(**values)
        )
    return "\n".join(said)


def history(shot: Shot, count: int) -> Sequence[str]:
    """The last *count* lines that were printed."""
    return [clean(line, 400) for line in shot.screen.printed[-count:]]


# -- typing


@dataclass(frozen=True)
class Typing:
    """What is to be typed, and where."""

    seat: Seat
    keys: Keystroke

    @property
    def title(self) -> str:
        return _("type {keys} at the console of {guest}").format(
            keys=self.keys, guest=self.seat.guest
        )

    def objection(self, notices: Sequence[Notice]) -> str:
        """Why nothing may be typed where *notices* show; empty where it may."""
        if any(notice.condition.typing_refused for notice in notices):
            return _("It asks for a password, and the bot types none.")
        return ""


async def plan_typing(ctx: Context, guest: str, keys: Keystroke) -> Plan:
    """The card of typing *keys* at the console of *guest*: where, and what it shows now."""
    try:
        seat, where = await seat_to_change(ctx, guest)
        shot = await see(ctx, seat)
    except Refused as error:
        return Plan((Line(Verdict.NO, str(error)),))
    return _plan(Typing(seat, keys), where, shot)


async def seat_to_change(ctx: Context, guest: str) -> tuple[Seat, Line]:
    """Where *guest* runs and nowhere else, by a census, and the line that says so.

    Raises `Refused` where it is not in order, or the host is another bot's.
    """
    census = await take(tuple(ctx.world.hosts.values()), guest)
    if census.moving:
        raise Refused(_("Still moving: {why}.").format(why=census.moving))
    if not census.copies:
        raise Refused(_no_console(guest))
    if len(census.copies) > 1 or census.copies[0].domain.half_moved:
        raise Refused(
            _("{guest} is not in order: {seen}").format(guest=guest, seen=census.sentence())
        )
    copy = census.copies[0]
    seat = Seat(ctx.world.hosts[copy.host], copy.domain)
    await ctx.own(seat.host)
    where = _("{guest} is on {host} as domain {domid}, and nowhere else").format(
        guest=guest, host=seat.host, domid=seat.domain.domid
    )
    return seat, Line(Verdict.YES, where, "xl list, " + _("every host twice"))


def _plan(typing: Typing, where: Line, shot: Shot) -> Plan:
    shows = [Line(Verdict.LATER, line) for line in lines(shot.notices)]
    shows += [
        Line(Verdict.LATER, f"│ {clean(line, 120)}") for line in shot.screen.printed[-_SHOWN:]
    ]
    if objection := typing.objection(shot.notices):
        shows.append(Line(Verdict.NO, objection))
    return plan_at(typing.seat, (where, *shows), typing.title, Risk.INTERRUPTS, typing)


def plan_at(seat: Seat, lines: tuple[Line, ...], title: str, risk: Risk, facts: object) -> Plan:
    """The plan of one step, *title*, that changes the guest at *seat* and nothing else."""
    domain = seat.domain
    essence = _("{guest} is on {host} as domain {domid} with UUID {uuid}").format(
        guest=seat.guest, host=seat.host, domid=domain.domid, uuid=domain.uuid
    )
    touches = {(Thing.DOMU, seat.guest), (Thing.UUID, domain.uuid), (Thing.HOST, seat.host.name)}
    return Plan(
        lines,
        (PlannedStep(seat.host.name, title),),
        frozenset({f"domu/{domain.uuid}"}),
        essence=(essence,),
        touches=frozenset(touches),
        risk=risk,
        facts=facts,
    )


async def carry_out(ctx: Context, typing: Typing) -> Shot:
    """Type, once; what is shown then.  Raises `Refused` where what shows speaks against it."""
    seat = typing.seat
    await ctx.own(seat.host)
    await ctx.note("typed", {"keys": str(typing.keys), "host": seat.host.name})
    objections: list[str] = []

    def may_type(notices: Sequence[Notice]) -> bool:
        objections.append(typing.objection(notices))
        return not objections[-1]

    async with ctx.step(typing.title, changes=True):
        shot, typed = await consoles.type_at(
            ctx.engine, seat.host, seat.domain, (typing.keys.data,), may_type
        )
    if not typed:
        why = next(filter(None, objections), _("its console ended before that."))
        raise Refused(_("Nothing was typed: {why}").format(why=why), hint=_look_again(ctx, seat))
    return shot


def _look_again(ctx: Context, seat: Seat) -> str:
    return _("{prefix}console {guest} shows it.").format(prefix=ctx.prefix, guest=seat.guest)


def after_a_crash(ctx: Context, guest: str) -> OutcomeUnknown:
    """What to say where the bot died while it typed."""
    return OutcomeUnknown(
        _("The bot was stopped while it typed; nobody knows whether that arrived."),
        hint=_(
            "{prefix}console {guest} shows what is there, then {prefix}job settle {job}."
        ).format(prefix=ctx.prefix, guest=guest, job=ctx.job.id),
    )
