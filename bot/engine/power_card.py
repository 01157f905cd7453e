"""The card of a change to a host's power: whose iLO it is, and which DomUs would die."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.core.plan import Line, Plan, PlannedStep, Thing, Verdict
from bot.core.render import duration
from bot.core.risk import Risk
from bot.devices.host import Host
from bot.devices.power import LightsOut, Power, PowerChange, Server
from bot.devices.xen import Domain
from bot.engine import volumes
from bot.engine.census import state_in_words
from bot.engine.context import Context
from bot.errors import DeviceError, Refused
from bot.i18n import _

#: what takes the running DomUs along
DEADLY = (PowerChange.OFF, PowerChange.CUT, PowerChange.RESET)


@dataclass(frozen=True)
class Powering:
    """What is to be done to the power of a host, and which boot of it was running then."""

    host: Host
    change: PowerChange
    #: empty where it did not answer
    boot: str = ""
    #: of the server that it was about
    serial: str = ""

    @property
    def title(self) -> str:
        titles = {
            PowerChange.ON: _("switch {host} on"),
            PowerChange.OFF: _("ask {host} to shut down"),
            PowerChange.CUT: _("cut the power of {host}"),
            PowerChange.RESET: _("reset {host}"),
        }
        return titles[self.change].format(host=self.host)


def lights_out(host: Host) -> LightsOut:
    """The lights-out processor of *host*; raises `Refused` where the config names none."""
    if host.lights_out is None:
        raise Refused(
            _("The config names no iLO for {host}.").format(host=host),
            hint=_("It belongs under hosts.{host}.lights_out.").format(host=host),
        )
    return host.lights_out


async def demand_enrolled(host: Host) -> Server:
    """The server whose power it is; raises `Refused` unless it is the one that was enrolled."""
    it = lights_out(host)
    server = await it.server()
    if not host.serial:
        raise Refused(
            _(
                "{ilo} belongs to the server {serial}, and none is enrolled: nothing is changed."
            ).format(ilo=it.name, serial=server.serial),
            hint=enrol(host, server),
        )
    if server.serial != host.serial:
        raise Refused(
            _(
                "{ilo} belongs to the server {serial}, but {enrolled} is enrolled for {host}: "
                "nothing is changed."
            ).format(ilo=it.name, serial=server.serial, enrolled=host.serial, host=host),
            hint=_("Look which server it is; then mend the address or the serial in the config."),
        )
    return server


def enrol(host: Host, server: Server) -> str:
    """The line that enrols *server* for *host*."""
    return _(
        "If that is the server, write into the config: hosts.{host}.lights_out.serial: {id}"
    ).format(host=host, id=server.serial)


async def plan_power(ctx: Context, host: Host, change: PowerChange) -> Plan:
    """Look at everything and change nothing; nothing to do is a plan without a class.

    Raises `Refused` where its server is not the enrolled one, or the host is another bot's.
    """
    server = await demand_enrolled(host)
    power = await lights_out(host).power()
    lines = [
        Line(
            Verdict.YES,
            _("{host} is the server {serial} ({model}), as enrolled").format(
                host=host, serial=server.serial, model=server.model
            ),
            "show /system1",
        ),
        Line(Verdict.YES, power_in_words(host, power), "power"),
    ]
    if change is PowerChange.RESET and power is Power.OFF:
        there = _("{host} is off, so there is nothing to reset.").format(host=host)
        return Plan((*lines, Line(Verdict.NO, there, "power")))
    if (change is PowerChange.ON) == (power is Power.ON) and change is not PowerChange.RESET:
        return Plan(tuple(lines))
    if change not in DEADLY:
        it = Powering(host, change, serial=server.serial)
        return _plan(it, server, power, lines, _Seen())
    seen = await _look(ctx, host)
    lines += seen.lines
    lines += _consequences(host, change)
    lines += [Line(Verdict.NO, why) for why in await _own(ctx, host, seen)]
    return _plan(Powering(host, change, seen.boot, server.serial), server, power, lines, seen)


def power_in_words(host: Host, power: Power) -> str:
    """Whether *host* has power, for people."""
    if power is Power.ON:
        return _("{host} has power").format(host=host)
    return _("{host} has no power").format(host=host)


@dataclass(frozen=True)
class _Seen:
    """What the host itself shows, as far as it answers."""

    lines: Sequence[Line] = ()
    answers: bool = False
    boot: str = ""
    domains: tuple[Domain, ...] = ()
    #: (name, WWN) of the volumes that its DomUs have open, by the site's rule for names
    volumes: frozenset[tuple[str, str]] = frozenset()
    #: the guests that it last had, where it does not answer
    last: tuple[str, ...] = ()


async def _look(ctx: Context, host: Host) -> _Seen:
    try:
        boot = await host.toolstack.boot()
        domains = await host.toolstack.domains()
    except DeviceError as error:
        last = tuple(sorted(ctx.inventory.guests.get(host.name, ())))
        return _Seen(_unseen(ctx, host, str(error)), last=last)
    lines = [
        Line(
            Verdict.LATER,
            _("{guest} runs there (domain {domid}, {state}) and dies with it").format(
                guest=each.name, domid=each.domid, state=state_in_words(each)
            ),
            "xl list",
        )
        for each in domains
    ]
    if not domains:
        lines = [Line(Verdict.YES, _("no DomU runs on {host}").format(host=host), "xl list")]
    try:
        await ctx.own(host)
    except DeviceError as error:
        text = _("which bot {host} belongs to ({why})").format(host=host, why=error)
        lines.append(Line(Verdict.UNCHECKED, text))
    open_there: frozenset[tuple[str, str]] = frozenset()
    try:
        open_there = await _volumes(ctx, host)
    except DeviceError as error:
        text = _("which volumes they have open ({why})").format(why=error)
        lines.append(Line(Verdict.UNCHECKED, text))
    return _Seen(lines, True, boot, domains, open_there)


def _unseen(ctx: Context, host: Host, why: str) -> list[Line]:
    """What is said of a host that does not answer: what was last seen there, and how long ago."""
    lines = [
        Line(Verdict.UNCHECKED, _("which DomUs run on {host} ({why})").format(host=host, why=why))
    ]
    read_at = ctx.inventory.read_at.get(host.name)
    if read_at is not None:
        names = sorted(ctx.inventory.guests.get(host.name, ()))
        text = _("{age} ago it ran, or had the configuration of: {names}").format(
            age=duration(max(0.0, ctx.now - read_at)), names=", ".join(names) or _("nothing")
        )
        lines.append(Line(Verdict.LATER, text))
    lines.append(
        Line(Verdict.UNCHECKED, _("which bot {host} belongs to").format(host=host)),
    )
    return lines


async def _volumes(ctx: Context, host: Host) -> frozenset[tuple[str, str]]:
    named = await volumes.by_name(ctx.world.arrays.values())
    return frozenset(
        (PurePosixPath(disk.path).name, volume.wwn)
        for config in await host.toolstack.configs()
        for disk in config.disks
        if (volume := volumes.promised(disk.path, named)) is not None
    )


def _consequences(host: Host, change: PowerChange) -> list[Line]:
    if change is PowerChange.OFF:
        text = _(
            "the operating system of {host} is asked to shut down; what its DomUs do then "
            "is its own affair"
        )
    else:
        text = _("whatever {host} and its DomUs have not written is lost, as in a power cut")
    return [Line(Verdict.LATER, text.format(host=host))]


async def _own(ctx: Context, host: Host, seen: _Seen) -> list[str]:
    """Why it could end the bot itself; empty where it could not."""
    own = ctx.engine.own.bot
    here = {domain.plain_name for domain in seen.domains}
    if not own or (seen.answers and own not in here):
        return []
    if seen.answers:
        why = _("I run in {domu}, which is on {host}: that would end me, so I never do it.")
        return [why.format(domu=own, host=host)]
    for other in ctx.world.hosts.values():
        with suppress(DeviceError):
            if other.name != host.name and own in _names(await other.toolstack.domains()):
                return []
    why = _("I run in {domu}, and perhaps on {host}, which does not say: that could end me.")
    return [why.format(domu=own, host=host)]


def _names(domains: Sequence[Domain]) -> frozenset[str]:
    """The guests that are whole on a host."""
    return frozenset(domain.name for domain in domains)


def _plan(it: Powering, server: Server, power: Power, lines: Sequence[Line], seen: _Seen) -> Plan:
    host = it.host
    keys = {f"host-power/{host.name}"}
    touches = {(Thing.HOST, host.name)}
    essence = [
        _("the server is {serial}").format(serial=server.serial),
        power_in_words(host, power),
    ]
    if it.change in DEADLY:
        keys |= {f"migration/{host.name}"}
        answers = _("{host} answers, boot {boot}").format(host=host, boot=seen.boot)
        essence.append(answers if seen.answers else _("{host} does not answer").format(host=host))
    for domain in seen.domains:
        keys.add(f"domu/{domain.uuid}")
        touches |= {(Thing.DOMU, domain.plain_name), (Thing.UUID, domain.uuid)}
        essence.append(
            _("{guest} is on {host} as domain {domid} with UUID {uuid}").format(
                guest=domain.name, host=host, domid=domain.domid, uuid=domain.uuid
            )
        )
    touches |= {(Thing.DOMU, name) for name in seen.last}
    for name, wwn in seen.volumes:
        keys.add(f"volume/{wwn}")
        touches |= {(Thing.VOLUME, name), (Thing.WWN, wwn)}
    return Plan(
        tuple(lines),
        (PlannedStep(lights_out(host).name, it.title),),
        frozenset(keys),
        essence=tuple(essence),
        touches=frozenset(touches),
        risk=Risk.DESTROYS,
        facts=it,
    )
