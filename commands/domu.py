"""The guests: where they are, and what they are made of."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.api import (
    Aim,
    Context,
    DeviceError,
    Disk,
    Dom0,
    Domain,
    DomainConfig,
    DomU,
    Host,
    Refused,
    Reply,
    Table,
    Thing,
    Volume,
    _,
    command,
    ngettext,
    state_in_words,
    volumes_by_name,
)


@command("domu list", needs="domu.list", filters=True)
async def list_(ctx: Context, dom0: Dom0 | None = None) -> Reply:
    """List the DomUs, on all Dom0s or on one.

    Example: domu list fy
    """
    hosts = list(ctx.world.hosts.values())
    answers = dict(zip(hosts, await asyncio.gather(*map(_read, hosts)), strict=True))
    asked = [dom0] if dom0 is not None else hosts
    rows = [
        _row(ctx, host, domain)
        for host in asked
        for domain in answers[host].domains
        if _visible(ctx, domain.plain_name)
    ]
    rows += [row for row in _elsewhere(ctx, answers, asked) if _visible(ctx, row[0])]
    headings = (_("DomU"), _("Dom0"), _("state"), _("memory"), _("vcpus"), _("id"))
    return Reply(
        ngettext("{count} DomU.", "{count} DomUs.", len(rows)).format(count=len(rows)),
        body=[Table(rows, headings)] if rows else [],
        hint="\n".join(answer.problem for answer in answers.values() if answer.problem),
    )


@command("domu show", needs="domu.show")
async def show(ctx: Context, name: DomU) -> Reply:
    """Say where a DomU is and what it is made of.

    Example: domu show vm
    """
    hosts = list(ctx.world.hosts.values())
    answers = dict(zip(hosts, await asyncio.gather(*map(_read, hosts)), strict=True))
    problems = [answer.problem for answer in answers.values() if answer.problem]
    found = [
        (host, domain)
        for host, answer in answers.items()
        for domain in answer.domains
        if domain.plain_name == name.name
    ]
    held = _held(ctx, name.name, [domain for _host, domain in found])
    if not found:
        return _absent(name.name, answers, problems, held)
    parts = [await _describe(ctx, host, domain) for host, domain in found]
    where = "; ".join(
        _("{name} is on {host}: {state}").format(
            name=domain.name, host=host, state=state_in_words(domain)
        )
        for host, domain in found
    )
    return Reply(f"{where}.", body=parts, hint="\n".join([*held, *problems]))


def _held(ctx: Context, name: str, domains: Sequence[Domain] = ()) -> list[str]:
    """Who holds the DomU, by its name or by what runs under it."""
    uuids = {(Thing.UUID, domain.uuid) for domain in domains}
    holds = ctx.holds.against(Aim(frozenset({(Thing.DOMU, name), *uuids})))
    return [hold.sentence(ctx.now) for hold in holds]


@dataclass(frozen=True)
class _Answer:
    """What a host lists and has configurations of, or why it cannot be asked."""

    domains: tuple[Domain, ...] = ()
    defined: tuple[str, ...] = ()
    problem: str = ""


async def _read(host: Host) -> _Answer:
    try:
        return _Answer(await host.toolstack.domains(), await host.toolstack.defined())
    except DeviceError as error:
        return _Answer(problem=_("{host} cannot be asked: {why}").format(host=host, why=error))


def _elsewhere(
    ctx: Context, answers: dict[Host, _Answer], asked: list[Host]
) -> list[tuple[str, ...]]:
    """Guests that are configured on the *asked* hosts and that no host lists.

    They are stopped only where every host was read: else they may run on the silent one.
    """
    listed = {domain.plain_name for answer in answers.values() for domain in answer.domains}
    defined = {name for host in asked for name in answers[host].defined}
    silent = any(answer.problem for answer in answers.values())
    state = _("not known") if silent else _("stopped")
    return [
        (name, "-", _marked(state, held=bool(_held(ctx, name))), "-", "-", "-")
        for name in sorted(defined - listed)
    ]


def _visible(ctx: Context, name: str) -> bool:
    return ctx.rights.object("domu.list", name)


def _marked(state: str, *, held: bool) -> str:
    return _("{state}, held").format(state=state) if held else state


def _row(ctx: Context, host: Host, domain: Domain) -> tuple[str, ...]:
    held = bool(_held(ctx, domain.plain_name, [domain]))
    return (
        domain.name,
        host.name,
        _marked(state_in_words(domain), held=held),
        str(domain.memory),
        str(domain.vcpus),
        str(domain.domid),
    )


def _absent(name: str, answers: dict[Host, _Answer], problems: list[str], held: list[str]) -> Reply:
    """A guest that no host lists: stopped, or unknown where a host is silent."""
    if problems:
        raise Refused(
            _("{name} is on no host that answers.").format(name=name), hint="\n".join(problems)
        )
    defined = [host.name for host, answer in answers.items() if name in answer.defined]
    return Reply(
        _("{name} is stopped; its configuration is on {hosts}.").format(
            name=name, hosts=", ".join(defined) or _("no host")
        ),
        hint="\n".join(held),
    )


async def _describe(ctx: Context, host: Host, domain: Domain) -> Table:
    configs = await host.toolstack.configs()
    config = next((each for each in configs if each.domid == domain.domid), None)
    rows = [
        (_("id"), str(domain.domid)),
        (_("UUID"), domain.uuid),
        (_("memory"), str(domain.memory)),
        (_("vcpus"), str(domain.vcpus)),
        (_("CPU time"), _("{seconds} s").format(seconds=domain.cpu_seconds)),
    ]
    if config is None:
        return Table([*rows, (_("disks"), _("{host} does not show them").format(host=host))])
    return Table([*rows, *await _devices(ctx, config)])


async def _devices(ctx: Context, config: DomainConfig) -> list[tuple[str, str]]:
    try:
        volumes = await volumes_by_name(ctx.world.arrays.values())
        problem = ""
    except DeviceError as error:
        volumes, problem = {}, str(error)
    rows = [(_("type"), config.type)]
    rows += [(_("disk"), _disk(disk, volumes, problem)) for disk in config.disks]
    rows += [(_("nic"), f"{nic.mac} {nic.bridge}") for nic in config.nics]
    return rows


def _disk(disk: Disk, volumes: dict[str, Volume], problem: str) -> str:
    volume = volumes.get(disk.path.removeprefix("/dev/"))
    behind = f"{volume.size}, {volume.wwn}" if volume else problem or _("no volume that is known")
    mode = _("read-write") if disk.writable else _("read-only")
    return f"{disk.vdev} {disk.path} ({mode}): {behind}"
