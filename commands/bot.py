"""The bot itself: is it there, who am I to it, how is everything."""

import asyncio

from bot.api import (
    BotError,
    Context,
    Host,
    Lines,
    Reply,
    Table,
    _,
    breaking,
    command,
    duration,
    in_words,
    moment,
    ngettext,
)

#: rules that are listed at most
_MOST_RULES = 50
#: entries of the record that are looked at for its state; all of them may take half a minute
_RECENT = 500
#: how many holds the status names
_HOLDS = 5


@command("ping", needs="bot.ping")
async def ping(ctx: Context) -> Reply:
    """Say that the bot is there.

    Example: ping
    """
    return Reply(_("pong"))


@command("whoami", needs="bot.whoami")
async def whoami(ctx: Context) -> Reply:
    """Say who you are to the bot, and what you may do.

    Example: whoami
    """
    lines = [_("may: {rule}").format(rule=rule) for rule in ctx.rights.allow]
    lines += [_("may not: {rule}").format(rule=rule) for rule in ctx.rights.deny]
    more = len(lines) - _MOST_RULES
    if more > 0:
        rest = ngettext("… and {count} more", "… and {count} more", more).format(count=more)
        lines = [*lines[:_MOST_RULES], rest]
    return Reply(
        _("You are {person} ({id}); your roles: {roles}.").format(
            person=ctx.person, id=ctx.job.sender, roles=", ".join(ctx.roles) or _("none")
        ),
        body=[Lines(lines or [_("may: nothing")])],
    )


@command("status", needs="bot.status")
async def status(ctx: Context) -> Reply:
    """Say how hosts, array, jobs and record are.

    Example: status
    """
    hosts, arrays = await asyncio.gather(
        asyncio.gather(*(_host(ctx, host) for host in ctx.world.hosts.values())),
        asyncio.gather(*(_array(ctx, name) for name in ctx.world.arrays)),
    )
    verdict = await ctx.records.audit_verify_end(_RECENT)
    jobs = [job for job in await ctx.records.open_jobs() if job.id != ctx.job.id and job.risk]
    record = ("✔" if verdict.ok else "✘", _("record"), verdict.sentence)
    stuck = [("✘", room, _stuck(count)) for room, count in (await ctx.stuck_rooms()).items()]
    rows = [*hosts, *arrays, record, *_rooms(ctx), *stuck, *_glass(ctx), *_holds(ctx)]
    running = ", ".join(
        _("{job} ({state})").format(job=job.id, state=in_words(job.state)) for job in jobs
    )
    troubles = sum(row[0] == "✘" for row in rows)
    return Reply(
        _("All is well.") if not troubles else _("{count} in trouble.").format(count=troubles),
        body=[Table(rows)],
        hint=_("nounou {version}, up {time}; jobs: {jobs}.").format(
            version=ctx.version, time=duration(ctx.uptime), jobs=running or _("none")
        ),
    )


async def _host(ctx: Context, host: Host) -> tuple[str, str, str]:
    try:
        info = await host.toolstack.info()
        guests = await host.toolstack.domains()
        owner = await ctx.foreign_owner(host)
    except BotError as error:
        return "✘", host.name, str(error)
    if owner:
        return "✘", host.name, _("belongs to another bot ({owner}): reads only").format(owner=owner)
    said = _("Xen {version}, {guests} running, {free} of {total} free").format(
        version=info.xen_version,
        guests=len(guests),
        free=info.free_memory,
        total=info.total_memory,
    )
    return "✔", host.name, said


async def _array(ctx: Context, name: str) -> tuple[str, str, str]:
    array = ctx.world.arrays[name]
    try:
        info = await array.info()
        volumes = await array.volumes()
    except BotError as error:
        return "✘", name, str(error)
    said = _("{product}, firmware {firmware}, {count} volumes").format(
        product=info.product, firmware=info.firmware, count=len(volumes)
    )
    return "✔", name, said


def _stuck(count: int) -> str:
    return ngettext(
        "{count} post waits: nothing can be said there now",
        "{count} posts wait: nothing can be said there now",
        count,
    ).format(count=count)


def _glass(ctx: Context) -> list[tuple[str, str, str]]:
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


def _holds(ctx: Context) -> list[tuple[str, str, str]]:
    """What nobody may touch now, as far as the asker may know; not all of it where that is much."""
    standing = [each for each in ctx.holds.standing if ctx.rights.object("hold.list", each.name)]
    rows = [("⏸", hold.name, hold.sentence(ctx.now)) for hold in standing[:_HOLDS]]
    if more := len(standing) - len(rows):
        said = _("and {count} more: {prefix}holds").format(count=more, prefix=ctx.prefix)
        rows.append(("⏸", _("holds"), said))
    return rows


def _rooms(ctx: Context) -> list[tuple[str, str, str]]:
    """How far the rooms can be believed; nothing where that is not known."""
    secret = ("✔", _("encrypted"))
    plain = ("⚠", _("plain: the homeserver can forge anyone there"))
    return [
        (mark, room, said)
        for room, encrypted in ctx.encrypted_rooms.items()
        if encrypted is not None
        for mark, said in [secret if encrypted else plain]
    ]
