"""The card of a destruction: everything that must be true before a guest loses its power."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.core.plan import Line, Plan, PlannedStep, Thing, Verdict
from bot.core.text import clean
from bot.devices.host import Host
from bot.devices.storage import Volume
from bot.devices.xen import Domain, DomainConfig, Kind
from bot.engine import volumes
from bot.engine.census import Census, state_in_words, take
from bot.engine.context import Context
from bot.engine.destroying import Destruction
from bot.engine.volumes import Proof
from bot.errors import DeviceError, Unreachable
from bot.i18n import _


async def plan_destruction(ctx: Context, guest: str) -> Plan:
    """Look at everything and change nothing; a ✘ among the lines means that it must not be done.

    Raises `Unreachable` where a host cannot be asked, and `Refused` where it is another bot's.
    """
    census = await take(tuple(ctx.world.hosts.values()), guest)
    shown_by = "xl list, " + _("every host twice")
    if against := _objection(census):
        return Plan((Line(Verdict.NO, against, shown_by),))
    copy = census.copies[0]
    host, domain = ctx.world.hosts[copy.host], copy.domain
    await ctx.own(host)
    where = _("{guest} is on {host} as domain {domid} ({state}), and nowhere else").format(
        guest=guest, host=host, domid=domain.domid, state=state_in_words(domain)
    )
    lost = _("what {guest} has not written to its disks is lost, as when the power fails")
    disks, proofs = await _disks(ctx, host, domain)
    lines = (
        Line(Verdict.YES, where, shown_by),
        *disks,
        Line(Verdict.LATER, lost.format(guest=guest)),
    )
    it = Destruction(guest, domain.uuid, host, domain.domid, domain.kind)
    return _plan(it, lines, proofs)


def _objection(census: Census) -> str:
    """Why the guest must not be destroyed now; empty where it may be."""
    if census.moving:
        return _("Still moving: {why}.").format(why=census.moving)
    if not census.copies:
        return _("{guest} does not run on any host.").format(guest=census.guest)
    values = {"guest": census.guest, "seen": census.sentence()}
    if len(census.copies) > 1:
        return _("{guest} is there more than once, so nothing is touched: {seen}").format(**values)
    domain = census.copies[0].domain
    if domain.kind is Kind.DYING:
        return _("{guest} is already dying: {seen}").format(**values)
    if domain.half_moved or domain.kind is Kind.UNKNOWN:
        return _("{guest} is not in order: {seen}").format(**values)
    return ""


async def _disks(ctx: Context, host: Host, domain: Domain) -> tuple[list[Line], list[Proof]]:
    """A line for each disk, and what proves it.

    No volume is changed, so what cannot be known here is said and does not stand in the way.
    """
    try:
        config = await _config(host, domain)
        if config is None:
            text = _("its disks, which {host} does not show").format(host=host)
            return [Line(Verdict.UNCHECKED, text)], []
        named, lines = await _named(ctx)
        proofs = await volumes.prove((host,), [disk.path for disk in config.disks], named)
    except Unreachable:
        raise
    except DeviceError as error:
        text = _("its disks ({why})").format(why=error)
        return [Line(Verdict.UNCHECKED, text)], []
    return [*(_disk_line(proof, host) for proof in proofs), *lines], proofs


async def _config(host: Host, domain: Domain) -> DomainConfig | None:
    for config in await host.toolstack.configs():
        if (config.domid, config.uuid) == (domain.domid, domain.uuid):
            return config
    return None


async def _named(ctx: Context) -> tuple[dict[str, Volume], list[Line]]:
    """The volumes that the arrays have, and a line where one does not say so."""
    try:
        return await volumes.by_name(ctx.world.arrays.values()), []
    except DeviceError as error:
        text = _("what the array says of its volumes ({why})").format(why=error)
        return {}, [Line(Verdict.UNCHECKED, text)]


def _disk_line(proof: Proof, host: Host) -> Line:
    values = {"path": clean(proof.path, 80), "host": host, "wwn": proof.links[host.name].wwn}
    if not values["wwn"]:
        text = _("which volume it has open as {path}, where nothing answers on {host} now")
        return Line(Verdict.UNCHECKED, text.format(**values))
    if proof.volume is not None and not proof.holds(host.name):
        text = _("which volume it has open as {path}, which leads to {wwn} on {host} now")
        return Line(Verdict.UNCHECKED, text.format(**values))
    text = _("{path} on {host} is volume {wwn}, which is let go and not changed")
    return Line(Verdict.YES, text.format(**values), "scsi_id")


def _plan(it: Destruction, lines: Sequence[Line], proofs: Sequence[Proof]) -> Plan:
    found = {proof.links[it.host.name].wwn for proof in proofs} - {""}
    wwns = found | {proof.volume.wwn for proof in proofs if proof.volume is not None}
    values = {"guest": it.guest, "host": it.host, "domid": it.domid, "uuid": it.uuid}
    steps = (
        PlannedStep(
            it.host.name, _("list again: domain {domid} is still {guest}").format(**values)
        ),
        PlannedStep(it.host.name, " ".join(it.errand.words)),
        PlannedStep(_("every host"), _("list all, until {guest} is on none").format(**values)),
    )
    essence = (
        _("{guest} is on {host} as domain {domid} with UUID {uuid}").format(**values),
        *(_("volume {wwn}").format(wwn=wwn) for wwn in sorted(wwns)),
    )
    touches = {(Thing.DOMU, it.guest), (Thing.UUID, it.uuid), (Thing.HOST, it.host.name)}
    touches |= {(Thing.VOLUME, PurePosixPath(proof.path).name) for proof in proofs}
    touches |= {(Thing.WWN, wwn) for wwn in wwns}
    keys = {f"domu/{it.uuid}", *(f"volume/{wwn}" for wwn in wwns)}
    return Plan(
        tuple(lines),
        steps,
        frozenset(keys),
        essence=essence,
        touches=frozenset(touches),
        facts=it,
    )
