"""The pre-flight card of a live migration: everything that must be true before it begins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.core.plan import Line, Plan, PlannedStep, Thing, Verdict
from bot.core.units import Size
from bot.devices.host import Host
from bot.devices.xen import Domain, DomainConfig, HostInfo
from bot.engine import volumes
from bot.engine.census import Census, take
from bot.engine.clock_gate import clock_line
from bot.engine.context import Context
from bot.engine.volumes import Proof
from bot.errors import Refused
from bot.i18n import _

#: what a domain needs beside its own memory (reference, B.3: "free_memory ≥ Mem + ~64 MiB")
OVERHEAD = Size.mib(64)


@dataclass(frozen=True)
class Facts:
    """What a migration is about, as its plan found it."""

    guest: str
    uuid: str
    source: Host
    target: Host
    domain: Domain
    config: DomainConfig
    wwns: tuple[str, ...]


async def examine(ctx: Context, guest: str, target: Host) -> Plan:
    """Look at everything and change nothing; a ✘ among the lines means that it must not be done."""
    hosts = tuple(ctx.world.hosts.values())
    census = await take(hosts, guest)
    lines, copy = _place(census, target)
    if copy is None:
        return Plan(tuple(lines))
    source = ctx.world.hosts[copy.host]
    config = await _config(source, copy.domain)
    paths = [disk.path for disk in config.disks]
    *infos, clocks, named = await asyncio.gather(
        source.toolstack.info(),
        target.toolstack.info(),
        clock_line(ctx, source, target),
        volumes.by_name(ctx.world.arrays.values()),
    )
    proofs = await volumes.prove((source, target), paths, named)
    wwns = tuple(proof.volume.wwn for proof in proofs if proof.volume is not None)
    shared = await volumes.others_open(hosts, config, frozenset(wwns))
    lines += [
        _type_line(config, infos[0], source),
        _memory_line(ctx, copy.domain, infos[1], target),
        *(_link_line(proof, host) for proof in proofs for host in (source, target)),
        *(Line(Verdict.NO, sentence, "xl list -l, scsi_id") for sentence in shared),
        clocks,
        *_not_checked(),
    ]
    facts = Facts(guest, config.uuid, source, target, copy.domain, config, wwns)
    return _plan(facts, lines, copy.domain.memory)


async def verify_links(facts: Facts, ctx: Context) -> None:
    """After the resync: each disk must lead to its volume on both hosts; raises `Refused`."""
    named = await volumes.by_name(ctx.world.arrays.values())
    paths = [disk.path for disk in facts.config.disks]
    for proof in await volumes.prove((facts.source, facts.target), paths, named):
        for host in (facts.source, facts.target):
            if not proof.holds(host.name):
                raise Refused(
                    volumes.wrong(proof, host),
                    hint=_("Nothing was moved."),
                )


def _place(census: Census, target: Host) -> tuple[list[Line], _Copy | None]:
    shown_by = "xl list, " + _("every host twice")
    if census.moving:
        return [
            Line(Verdict.NO, _("Still moving: {why}.").format(why=census.moving), shown_by)
        ], None
    if not census.copies:
        return [_no(_("{guest} does not run on any host.").format(guest=census.guest))], None
    home = census.home
    if home is None:
        return [
            _no(
                _("{guest} is not in order: {seen}").format(
                    guest=census.guest, seen=census.sentence()
                )
            )
        ], None
    if home == target.name:
        return [
            _no(_("{guest} already runs on {host}.").format(guest=census.guest, host=home))
        ], None
    text = _("{guest} runs on {host}, only there, and nothing of it is on {target}").format(
        guest=census.guest, host=home, target=target
    )
    return [Line(Verdict.YES, text, shown_by)], _Copy(home, census.copies[0].domain)


@dataclass(frozen=True)
class _Copy:
    host: str
    domain: Domain


def _no(text: str) -> Line:
    return Line(Verdict.NO, text, "xl list")


async def _config(source: Host, domain: Domain) -> DomainConfig:
    for config in await source.toolstack.configs():
        if config.domid == domain.domid and config.uuid == domain.uuid:
            return config
    raise Refused(
        _("{host} does not show the configuration of {guest}, so its disks are unknown.").format(
            host=source, guest=domain.name
        )
    )


def _type_line(config: DomainConfig, info: HostInfo, source: Host) -> Line:
    if config.type == "pv" and not info.moves_pv_live:
        text = _(
            "{guest} is a PV guest, and Xen {version} on {host} cannot move those live "
            "(no shadow in virt_caps)."
        ).format(guest=config.name, version=info.xen_version, host=source)
        return Line(Verdict.NO, text, "xl info")
    text = _("{guest} is {type}: Xen {version} on {host} moves it live").format(
        guest=config.name, type=config.type, version=info.xen_version, host=source
    )
    return Line(Verdict.YES, text, "xl info")


def _memory_line(ctx: Context, domain: Domain, info: HostInfo, target: Host) -> Line:
    free = Size(int(info.free_memory) - ctx.reserved(target.name))
    values = {"host": target, "free": free, "guest": domain.name, "memory": domain.memory}
    if free < domain.memory + OVERHEAD:
        text = _("{host} has {free} of memory free, {guest} needs {memory} and 64 MiB more.")
        return Line(Verdict.NO, text.format(**values), "xl info")
    text = _("{host} has {free} of memory free, {guest} needs {memory}")
    return Line(Verdict.YES, text.format(**values), "xl info")


def _link_line(proof: Proof, host: Host) -> Line:
    if proof.volume is None:
        text = _("{path} is no volume of an array that the bot knows.").format(path=proof.path)
        return Line(Verdict.NO, text, "show volumes")
    if not proof.holds(host.name):
        return Line(Verdict.LATER, volumes.wrong(proof, host) + " " + _("The resync must mend it."))
    text = _("{path} on {host} is volume {wwn}").format(
        path=proof.path, host=host, wwn=proof.volume.wwn
    )
    return Line(Verdict.YES, text, "scsi_id")


def _not_checked() -> Sequence[Line]:
    """What a later capability will look at; never a ✔ before."""
    return [
        Line(Verdict.UNCHECKED, text)
        for text in (
            _("no saved image of it lies anywhere"),
            _("its bridges exist on the target"),
            _("the CPUs of both hosts fit"),
            _("root ssh between the Dom0s works"),
            _("nobody is at its console"),
        )
    ]


def _plan(facts: Facts, lines: Sequence[Line], memory: Size) -> Plan:
    source, target = facts.source, facts.target
    words = " ".join(source.toolstack.migrate_words(facts.guest, target.address))
    steps = [
        PlannedStep(source.name, _("resync the links")),
        PlannedStep(target.name, _("resync the links")),
        PlannedStep(_("both"), _("verify each link by scsi_id, and list every host again")),
        PlannedStep(source.name, words),
        PlannedStep(_("every host"), _("list all, until exactly one copy runs, on the target")),
    ]
    keys = {f"domu/{facts.uuid}", *(f"volume/{wwn}" for wwn in facts.wwns)}
    for host in (source, target):
        keys |= {f"migration/{host.name}", f"links/{host.name}"}
    essence = (
        _("{guest} runs on {host} with UUID {uuid}").format(
            guest=facts.guest, host=source, uuid=facts.uuid
        ),
        *(_("volume {wwn}").format(wwn=wwn) for wwn in facts.wwns),
    )
    taken = Size(memory + OVERHEAD)
    return Plan(
        tuple(lines),
        tuple(steps),
        frozenset(keys),
        {target.name: taken},
        essence,
        _touched(facts),
        facts=facts,
    )


def _touched(facts: Facts) -> frozenset[tuple[Thing, str]]:
    disks = {(Thing.WWN, wwn) for wwn in facts.wwns}
    names = {(Thing.VOLUME, PurePosixPath(disk.path).name) for disk in facts.config.disks}
    hosts = {(Thing.HOST, facts.source.name), (Thing.HOST, facts.target.name)}
    return frozenset({(Thing.DOMU, facts.guest), (Thing.UUID, facts.uuid), *disks, *names, *hosts})
