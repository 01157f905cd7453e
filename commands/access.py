"""Access: whose devices are believed."""

from datetime import UTC, datetime

from bot.api import VOUCHED, Context, Person, Pinned, Refused, Reply, Word, _, clean, command


@command("trust", needs="access.trust", risk="changes")
async def trust(ctx: Context, person: Person, *fingerprint: Word) -> Reply:
    """Show the keys that a person signs devices with, or confirm a new one.

    A key that changed blocks that person until somebody else confirms it. First ask them, by voice
    or face to face, whether they have set up encryption anew.

    Example: trust anna
    """
    known = [pinned for user in ctx.chat_ids(person) if (pinned := await ctx.pins.of(user))]
    key = "".join(fingerprint)
    if not key:
        return _show(ctx, person, known)
    offered = next((pinned.user for pinned in known if pinned.offered == key), None)
    user = offered or _confirmed(known, key)
    if user is None:
        raise Refused(
            _("{person} does not show this key.").format(person=person),
            hint=_("{prefix}trust {person} shows the whole of it.").format(
                prefix=ctx.prefix, person=person
            ),
        )
    sentence = _("{person} is believed again: {user} signs with {key}.").format(
        person=person, user=user, key=grouped(key)
    )
    if offered is not None:
        await ctx.pins.confirm(offered, key, ctx.job, sentence)
    return Reply(sentence)


@trust.check
async def _may_vouch(ctx: Context, person: str, *fingerprint: str) -> None:
    if not ctx.chat_ids(person):
        raise Refused(_("{person} is no member.").format(person=clean(person, 60)))
    if not fingerprint:
        return
    if person == ctx.person:
        raise Refused(
            _("Nobody confirms their own key."),
            hint=_("Ask another person with the right access.trust."),
        )
    if ctx.job.proof not in VOUCHED:
        raise Refused(
            _("A key is confirmed only from a device that its owner has signed."),
            hint=_("Type it in an encrypted room, or in nounou chat on the bot's host."),
        )


def _confirmed(known: list[Pinned], key: str) -> str | None:
    """Whose *key* was confirmed already."""
    found = (p.user for p in known if p.key == key and p.confirmed_by and p.offered is None)
    return next(found, None)


def _show(ctx: Context, person: str, known: list[Pinned]) -> Reply:
    if not known:
        return Reply(_("{person} was never seen with a key.").format(person=person))
    lines, offers = [], [pinned for pinned in known if pinned.offered is not None]
    for pinned in known:
        values = {"user": pinned.user, "key": grouped(pinned.key), "when": _day(pinned.since)}
        if pinned.confirmed_by:
            said = _("{user}: {key}, confirmed by {by} on {when}")
        else:
            said = _("{user}: {key}, first seen on {when}")
        lines.append(said.format(**values, by=pinned.confirmed_by))
        if pinned.offered is not None:
            lines.append(_("now shows: {key}").format(key=grouped(pinned.offered)))
    if not offers:
        return Reply(_("{person} signs with this.").format(person=person), "\n".join(lines))
    return Reply(
        _("{person} is blocked: the key changed.").format(person=person),
        "\n".join(lines),
        _("If {person} says that this is right: {prefix}trust {person} {key}").format(
            person=person, prefix=ctx.prefix, key=grouped(offers[0].offered or "")
        ),
    )


def grouped(key: str) -> str:
    """*key* as it can be read out."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
