"""The bot itself: is it there, and who am I to it."""

from bot.api import Context, Lines, Reply, _, command, ngettext

#: rules that are listed at most
_MOST_RULES = 50


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
