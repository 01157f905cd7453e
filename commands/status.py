"""How everything is, on one screen."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.api import (
    BotError,
    Context,
    Domain,
    Host,
    HostInfo,
    Incident,
    Job,
    Kind,
    Reply,
    State,
    Table,
    _,
    alert_stands,
    breaking,
    clean,
    command,
    duration,
    in_words,
    may_on_alert,
    moment,
    ngettext,
    state_in_words,
)

#: a mark, what it is about, and how that is
Row = tuple[str, str, str]

#: rows that one screen holds
_SCREEN = 22
#: how many of each kind are named where there is room, and where there is less and less
_NAMED = (5, 3, 2, 1)
#: where each DomU runs is said of so many
_PLACED = 12
#: entries of the record that are looked at for its state; all of them may take half a minute
_RECENT = 500
_TROUBLE, _WELL = "✘", "✔"


@dataclass(frozen=True)
class _Section:
    """Rows of one kind, those that matter most first, and the command that lists them all."""

    rows: Sequence[Row]
    name: str = ""
    lists: str = ""

    def cut(self, most: int) -> list[Row]:
        """At most so many of them, and how many more there are."""
        left = len(self.rows) - most
        if left <= 0:
            return list(self.rows)
        said = _("and {count} more").format(count=left)
        mark = self.rows[most][0]
        return [
            *self.rows[:most],
            (mark, self.name, f"{said}: {self.lists}" if self.lists else said),
        ]


@dataclass(frozen=True)
class _Seen:
    """What one host answered, or why it cannot be asked."""

    host: Host
    info: HostInfo | None = None
    domains: Sequence[Domain] = ()
    defined: Sequence[str] = ()
    trouble: str = ""


@command("status", needs="bot.status")
async def status(ctx: Context) -> Reply:
    """Say how hosts, DomUs, jobs, alerts and incidents are, on one screen.

    Example: status
    """
    seen, arrays = await asyncio.gather(
        asyncio.gather(*(_look(ctx, host) for host in ctx.world.hosts.values())),
        asyncio.gather(*(_array(ctx, name) for name in ctx.world.arrays)),
    )
    alerts, incidents = _alerts(ctx), _incidents(ctx)
    sections = [
        _Section(_worst_first([*map(_host, seen), *arrays]), _("devices")),
        _Section(_domus(ctx, seen)),
        _Section(await _jobs(ctx), _("jobs"), f"{ctx.prefix}job list"),
        _Section(_holds(ctx), _("holds"), f"{ctx.prefix}holds"),
        _Section(alerts, _("alerts"), f"{ctx.prefix}alert list"),
        _Section(incidents, _("incidents"), f"{ctx.prefix}incident list"),
        _Section([await _record(ctx)]),
        _Section([*await _stuck(ctx), *_rooms(ctx)], _("rooms")),
        _Section(_glass(ctx), _("glass")),
    ]
    troubles = sum(row[0] == _TROUBLE for section in sections for row in section.rows)
    return Reply(
        _result(troubles, len(alerts), len(incidents)),
        body=[Table(_fitting(sections))],
        hint=_("nounou {version}, up {time}.").format(
            version=ctx.version, time=duration(ctx.uptime)
        ),
    )


def _result(troubles: int, alerts: int, incidents: int) -> str:
    parts = [
        _("{count} in trouble"),
        ngettext("{count} alert", "{count} alerts", alerts),
        ngettext("{count} incident", "{count} incidents", incidents),
    ]
    counts = (troubles, alerts, incidents)
    said = [part.format(count=count) for part, count in zip(parts, counts, strict=True) if count]
    return f"{', '.join(said)}." if said else _("All is well.")


def _fitting(sections: Sequence[_Section]) -> list[Row]:
    """As much of *sections* as one screen holds."""
    rows: list[Row] = []
    for most in _NAMED:
        rows = [row for section in sections for row in section.cut(most)]
        if len(rows) <= _SCREEN:
            break
    return rows


def _worst_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row[0] == _WELL)


async def _look(ctx: Context, host: Host) -> _Seen:
    try:
        info = await host.toolstack.info()
        domains = await host.toolstack.domains()
        defined = await host.toolstack.defined()
        owner = await ctx.foreign_owner(host)
    except BotError as error:
        return _Seen(host, trouble=str(error))
    foreign = _("belongs to another bot ({owner}): reads only").format(owner=owner)
    return _Seen(host, info, domains, defined, foreign if owner else "")


def _host(seen: _Seen) -> Row:
    if seen.trouble or seen.info is None:
        return _TROUBLE, seen.host.name, seen.trouble
    said = _("Xen {version}, {guests} running, {free} of {total} free").format(
        version=seen.info.xen_version,
        guests=sum(domain.kind is Kind.ALIVE for domain in seen.domains),
        free=seen.info.free_memory,
        total=seen.info.total_memory,
    )
    return _WELL, seen.host.name, said


async def _array(ctx: Context, name: str) -> Row:
    array = ctx.world.arrays[name]
    try:
        info = await array.info()
        volumes = await array.volumes()
    except BotError as error:
        return _TROUBLE, name, str(error)
    said = _("{product}, firmware {firmware}, {count} volumes").format(
        product=info.product, firmware=info.firmware, count=len(volumes)
    )
    return _WELL, name, said


def _domus(ctx: Context, seen: Sequence[_Seen]) -> list[Row]:
    """How many DomUs there are in each state, and which; of running ones where there are few."""
    running: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    broken = False
    for host, domain in _visible(ctx, seen):
        if domain.kind is Kind.ALIVE and not domain.half_moved:
            running.setdefault(host, []).append(domain.name)
        else:
            broken |= domain.half_moved or domain.kind in (Kind.CRASHED, Kind.UNKNOWN)
            others.setdefault(state_in_words(domain), []).append(domain.name)
    if absent := _absent(ctx, seen):
        # one that no host lists may run on a host that was not read
        silent = any(each.info is None for each in seen)
        others[_("not known") if silent else _("stopped")] = absent
    if not running and not others:
        return []
    parts = [_of_state(state, names, ctx.prefix) for state, names in others.items()]
    total = sum(map(len, (*running.values(), *others.values())))
    said = ", ".join([_running(running, placed=total <= _PLACED), *parts])
    return [("⚠" if broken else _WELL, _("DomUs"), said)]


def _visible(ctx: Context, seen: Sequence[_Seen]) -> list[tuple[str, Domain]]:
    """What the hosts list, as far as the asker may know."""
    return [
        (each.host.name, domain)
        for each in seen
        for domain in each.domains
        if ctx.rights.object("domu.list", domain.plain_name)
    ]


def _absent(ctx: Context, seen: Sequence[_Seen]) -> list[str]:
    """The DomUs that have a configuration and that no host lists."""
    listed = {domain.plain_name for each in seen for domain in each.domains}
    defined = {name for each in seen for name in each.defined}
    return [name for name in sorted(defined - listed) if ctx.rights.object("domu.list", name)]


def _running(by_host: Mapping[str, Sequence[str]], *, placed: bool) -> str:
    """How many run, and where each does if they are to be *placed*."""
    said = _("{count} running").format(count=sum(map(len, by_host.values())))
    if not by_host or not placed:
        return said
    where = [f"{host}: {', '.join(sorted(names))}" for host, names in by_host.items()]
    return f"{said} ({'; '.join(where)})"


def _of_state(state: str, names: Sequence[str], prefix: str) -> str:
    """Of those in *state* how many there are, and which."""
    said = list(names[: _NAMED[0]])
    if more := len(names) - len(said):
        rest = _("and {count} more: {prefix}domu list").format(count=more, prefix=prefix)
        said.append(rest)
    return _("{count} {state} ({names})").format(
        count=len(names), state=state, names=", ".join(said)
    )


async def _jobs(ctx: Context) -> list[Row]:
    """Jobs that run, wait, or whose end is not known; those of others where these are shown."""
    others = ctx.rights.verb("job.list", objects=False)
    shown = [
        job
        for job in await ctx.records.open_jobs()
        if job.id != ctx.job.id
        # what is being begun, or only reads, is over before this is read
        and (job.risk or job.state not in (State.QUEUED, State.RUNNING))
        and (others or job.person == ctx.person)
    ]
    order = [State.UNDETERMINED, State.RUNNING]
    shown.sort(key=lambda job: order.index(job.state) if job.state in order else len(order))
    return [_job(ctx, job) for job in shown]


def _job(ctx: Context, job: Job) -> Row:
    mark = {State.UNDETERMINED: "⚠", State.RUNNING: "▶"}.get(job.state, "⏳")
    since = job.started if job.state is State.RUNNING and job.started else job.created
    said = _("{state}: {line} ({person}, since {since})").format(
        state=in_words(job.state),
        line=clean(ctx.shown(job.line), 80),
        person=job.person,
        since=moment(since, ctx.now),
    )
    return mark, _("job {number}").format(number=job.id), said


def _holds(ctx: Context) -> list[Row]:
    """What nobody may touch now, as far as the asker may know."""
    standing = [each for each in ctx.holds.standing if ctx.rights.object("hold.list", each.name)]
    return [("⏸", hold.name, hold.sentence(ctx.now)) for hold in standing]


def _alerts(ctx: Context) -> list[Row]:
    """The open ones that the asker may know of, worst first."""
    return [
        (
            "👀" if alert.by else alert.severity.sign,
            _("alert {number}").format(number=alert.id),
            f"{clean(alert.title, 120)} ({alert_stands(alert, ctx.now)})",
        )
        for alert in ctx.alerts.standing
        if may_on_alert(ctx, "alert.list", alert)
    ]


def _incidents(ctx: Context) -> list[Row]:
    if not ctx.rights.verb("incident.list", objects=False):
        return []
    return [_incident(ctx, each) for each in sorted(ctx.incidents.open, key=_how_bad)]


def _how_bad(incident: Incident) -> tuple[int, int]:
    return incident.severity, incident.id


def _incident(ctx: Context, incident: Incident) -> Row:
    parts = [_("SEV{severity} {title}").format(severity=incident.severity, title=incident.title)]
    if incident.lead:
        parts.append(_("lead {lead}").format(lead=incident.lead))
    if incident.due is not None:
        late = incident.due <= ctx.now
        words = _("an update was due {due}") if late else _("next update {due}")
        parts.append(words.format(due=moment(incident.due, ctx.now)))
    return "🚨", _("incident {number}").format(number=incident.id), ", ".join(parts)


async def _record(ctx: Context) -> Row:
    verdict = await ctx.records.audit_verify_end(_RECENT)
    return _WELL if verdict.ok else _TROUBLE, _("record"), verdict.sentence


async def _stuck(ctx: Context) -> list[Row]:
    """The rooms in which nothing can be said."""
    return [(_TROUBLE, room, _waits(count)) for room, count in (await ctx.stuck_rooms()).items()]


def _waits(count: int) -> str:
    return ngettext(
        "{count} post waits: nothing can be said there now",
        "{count} posts wait: nothing can be said there now",
        count,
    ).format(count=count)


def _rooms(ctx: Context) -> list[Row]:
    """How far the rooms can be believed, where that is known."""
    said = {
        True: (_WELL, _("encrypted")),
        False: ("⚠", _("plain: the homeserver can forge anyone there")),
    }
    known = {room: now for room, now in ctx.encrypted_rooms.items() if now is not None}
    return _worst_first((said[now][0], room, said[now][1]) for room, now in known.items())


def _glass(ctx: Context) -> list[Row]:
    """Who goes without a second person now."""
    said = _("broken by {person} until {until}: {reason}")
    return [
        (
            "⚠",
            _("glass"),
            said.format(person=each.person, until=moment(each.until, ctx.now), reason=each.reason),
        )
        for each in breaking.standing(ctx)
    ]
