"""Grants: a right for somebody, for a time."""

from bot.api import (
    Context,
    Number,
    Person,
    Plan,
    Reply,
    Table,
    Word,
    _,
    clean,
    command,
    granting,
    moment,
    ngettext,
)


@command(
    "grant",
    needs="access.grant",
    risk="changes",
    least="second",
    words="PERSON RIGHT for TIME reason WHY…",
)
async def grant(ctx: Context, person: Person, *words: Word, dry_run: bool = False) -> Reply:
    """Give somebody a right of your own for a time, once another person approves.

    The right is written as in the configuration. It counts as long as you have it yourself, by your
    roles; its time runs from your message on.

    Example: grant anna domu.migrate on vm for 2h reason power work tonight
    """
    given = await granting.give(ctx, _wanted(person, words))
    return Reply(
        granting.given(given),
        hint=_("{prefix}revoke {number} ends it at once.").format(
            prefix=ctx.prefix, number=given.id
        ),
    )


@grant.check
async def _may_grant(ctx: Context, person: str, *words: str, dry_run: bool = False) -> None:
    granting.demand(ctx, _wanted(person, words))


@grant.plan
async def _plan(ctx: Context, person: str, *words: str, dry_run: bool = False) -> Plan:
    return granting.plan(ctx, _wanted(person, words))


def _wanted(person: str, words: tuple[str, ...]) -> granting.Wanted:
    return granting.Wanted.parse(person, words, grant.usage)


@command("grants", needs="access.grants")
async def grants(ctx: Context) -> Reply:
    """List who was granted what, by whom, until when and why.

    Example: grants
    """
    found = granting.active(ctx)
    if not found:
        return Reply(_("Nothing is granted to anybody now."))
    now = ctx.now
    rows = [
        (
            str(each.id),
            each.person,
            each.right,
            _("until {until}").format(until=moment(each.until, now)),
            _("by {by}").format(by=each.by),
            clean(each.reason, 80),
        )
        for each in found
    ]
    headings = (_("grant"), _("who"), _("right"), _("until"), _("by"), _("reason"))
    sentence = ngettext("{count} grant lasts.", "{count} grants last.", len(found))
    return Reply(
        sentence.format(count=len(found)),
        body=[Table(rows, headings)],
        hint=_("{prefix}revoke NUMBER ends one at once.").format(prefix=ctx.prefix),
    )


@command("revoke", needs="access.grant", risk="changes")
async def revoke(ctx: Context, number: Number, *reason: Word) -> Reply:
    """End a grant at once; what it allowed and has not begun is stopped.

    Example: revoke 3 the work is done
    """
    return Reply(await granting.revoke(ctx, number, " ".join(reason)))
