"""The timelines of incidents: notes, tasks, updates, and reading them."""

from collections.abc import Sequence

from bot.api import (
    Act,
    Context,
    EntryKind,
    Incident,
    Lines,
    Refused,
    Reply,
    Said,
    Table,
    Timeline,
    UsageError,
    Word,
    _,
    clean,
    command,
    handling,
    incident_heading,
    incident_line,
    moment,
    ngettext,
    reports,
    span,
)

#: seconds until the next update, at least and at most
_SOONEST, _LATEST = 60.0, 7 * 86400.0
#: how many incidents are listed, and how many entries shown, at most
_MOST_LISTED, _MOST_SHOWN = 20, 30
#: how many characters of an entry are shown
_LONGEST_SHOWN = 300


@command("incident note", needs="incident.note", risk="changes", words="[#N] TEXT…")
async def note(ctx: Context, *words: Said) -> Reply:
    """Put a sentence on the timeline of the incident.

    Example: incident note the second path of fz is back
    """
    number, rest = await handling.meant(ctx, words)
    text = _text(rest)
    said = _("Noted in incident {n}.").format(n=number)
    return await handling.act(
        ctx, "incident.note", number, lambda found: Act(EntryKind.NOTE, said, text)
    )


@command("incident pin", needs="incident.note", risk="changes", words="[#N]")
async def pin(ctx: Context, *words: Word) -> Reply:
    """Put the message that this answers on the timeline; a 📌 on any message does it as well.

    Example: incident pin
    """
    quoted, sender = await handling.pointed_at(ctx)
    number, _rest = await handling.meant(ctx, words, within=quoted.thread)
    text = clean(quoted.body, 2000)

    def decide(found: Timeline) -> Act:
        pinned = [each for each in found.entries if each.kind is EntryKind.PINNED]
        if any(each.data.get("event") == quoted.event_id for each in pinned):
            raise Refused(_("That is on the timeline of incident {n} already.").format(n=number))
        data = {"event": quoted.event_id, "sender": sender, "said": quoted.at}
        said = _("What {who} said is on the timeline of incident {n}.")
        return Act(EntryKind.PINNED, said.format(who=sender, n=number), text, data)

    return await handling.act(ctx, "incident.note", number, decide)


@command("incident task", needs="incident.note", risk="changes", words="[#N] TEXT… [for PERSON]")
async def task(ctx: Context, *words: Said) -> Reply:
    """Write down what has to be done and who does it; without a person it is you.

    Example: incident task call the vendor for nounou
    """
    number, rest = await handling.meant(ctx, words)
    person, nobody = ctx.person, ""
    if len(rest) > 2 and rest[-2] == "for":
        try:
            person, rest = handling.member(ctx, rest[-1:]), rest[:-2]
        except UsageError as error:
            # it may be a sentence: wait for fsck
            nobody = _("{why} So the task is yours.").format(why=error)
    text = _text(rest)

    def decide(found: Timeline) -> Act:
        place = len(found.incident.tasks) + 1
        said = _("Task {task} of incident {n} is for {person}: {text}").format(
            task=place, n=number, person=person, text=clean(text, 200)
        )
        how = _("{prefix}incident done {task} says that it is done.")
        return Act(
            EntryKind.TASK,
            said,
            text,
            {"task": place, "for": person},
            hint="\n".join(filter(None, [nobody, how.format(prefix=ctx.prefix, task=place)])),
        )

    return await handling.act(ctx, "incident.note", number, decide)


@command("incident done", needs="incident.note", risk="changes", words="[#N] TASK")
async def done(ctx: Context, *words: Word) -> Reply:
    """Say that a task of the incident is done.

    Example: incident done 2
    """
    number, rest = await handling.meant(ctx, words)
    if len(rest) == 0 and len(words) == 1:
        # a lone #2 is the task's number here: the incident is the one that is meant anyway
        rest = (words[0].removeprefix("#"),)
        number, _none = await handling.meant(ctx, ())
    if len(rest) != 1 or not rest[0].isdecimal():
        raise UsageError(_("Which task? The pinned message lists them with their numbers."))
    place = int(rest[0])

    def decide(found: Timeline) -> Act:
        meant = next((each for each in found.incident.tasks if each.number == place), None)
        if meant is None:
            raise Refused(
                _("Incident {n} has no task {task}.").format(n=number, task=place),
                hint=_("The pinned message lists them with their numbers."),
            )
        if meant.done:
            raise Refused(_("Task {task} is done already.").format(task=place))
        said = _("Task {task} of incident {n} is done.").format(task=place, n=number)
        return Act(EntryKind.DONE, said, meant.text, {"task": place})

    return await handling.act(ctx, "incident.note", number, decide)


@command("incident status", needs="incident.note", risk="changes", words="[#N] [TEXT…]")
async def status(ctx: Context, *words: Said) -> Reply:
    """Say what is thought to be the cause now; it stands in the pinned message.

    Without a text it is told how the incident stands.

    Example: incident status a loose cable at port 3 of the switch
    """
    number, rest = await handling.meant(ctx, words)
    if not rest:
        return await handling.told(ctx, number)
    text = _text(rest, 500)
    said = _("The pinned message of incident {n} says so.").format(n=number)
    hint = _("{prefix}incident update in 30m sets when the next update is due.")
    return await handling.act(
        ctx,
        "incident.note",
        number,
        lambda found: Act(EntryKind.STATUS, said, text, hint=hint.format(prefix=ctx.prefix)),
    )


@command("incident update", needs="incident.note", risk="changes", words="[#N] in TIME")
async def update(ctx: Context, *words: Word) -> Reply:
    """Say when the next update is due; whoever leads is reminded then.

    Example: incident update in 30m
    """
    number, rest = await handling.meant(ctx, words)
    if len(rest) != 2 or rest[0] != "in":
        raise UsageError(
            _("When is the next update due?"),
            hint=_("Write it like {prefix}incident update in 30m").format(prefix=ctx.prefix),
        )
    seconds = span(rest[1])
    if not _SOONEST <= seconds <= _LATEST:
        raise UsageError(_("The next update is due in a minute at least, in seven days at most."))
    due = ctx.now + seconds

    def decide(found: Timeline) -> Act:
        said = _("{lead} is reminded of the next update at {time}.").format(
            lead=found.incident.lead, time=moment(due, ctx.now)
        )
        return Act(EntryKind.UPDATE_DUE, said, data={"due": due})

    return await handling.act(ctx, "incident.note", number, decide)


@command("incident list", needs="incident.list")
async def list_(ctx: Context, *, all: bool = False) -> Reply:
    """List the incidents that are open; with --all, the last ones that are over as well.

    Example: incident list --all
    """
    await ctx.incidents.settle()
    found = await ctx.incidents.latest(_MOST_LISTED) if all else ctx.incidents.open[::-1]
    if not found:
        how = _("{prefix}incident list --all lists those that are over.").format(prefix=ctx.prefix)
        return Reply(
            _("There was no incident yet.") if all else _("No incident is open."),
            hint="" if all else how,
        )
    count = ngettext("{count} incident.", "{count} incidents.", len(found))
    headings = (_("number"), _("severity"), _("state"), _("since"), _("lead"), _("title"))
    return Reply(
        count.format(count=len(found)),
        body=[Table([_row(ctx, each) for each in found], headings)],
        hint=_("{prefix}incident timeline #{n} shows what happened.").format(
            prefix=ctx.prefix, n=found[0].id
        ),
    )


def _row(ctx: Context, each: Incident) -> tuple[str, ...]:
    return (
        f"#{each.id}",
        f"SEV{each.severity}",
        _("open") if each.open else _("resolved"),
        moment(each.opened, ctx.now),
        each.lead or "-",
        clean(each.title, 100),
    )


@command("incident timeline", needs="incident.list", words="[#N]")
async def timeline(ctx: Context, *words: Word, all: bool = False) -> Reply:
    """Show what happened in an incident, the newest last; with --all, all of it as a file.

    Without a number it is the one that is meant in this thread, the open one, or the last one.

    Example: incident timeline
    """
    number, _rest = await handling.meant(ctx, words, last=True)
    found = await reports.known(ctx.engine, number)
    lines = [incident_line(each, found.incident.opened, _LONGEST_SHOWN) for each in found.timeline]
    shown = lines[-_MOST_SHOWN:]
    left = len(lines) - len(shown)
    heading = incident_heading(found.incident)
    if all:
        name = f"incident-{number}-timeline.txt"
        return Reply(heading, file=name, attachment="\n".join([heading, *lines, ""]))
    earlier = ngettext(
        "{count} entry is older: {prefix}incident timeline #{n} --all",
        "{count} entries are older: {prefix}incident timeline #{n} --all",
        left,
    )
    hint = earlier.format(count=left, prefix=ctx.prefix, n=number) if left else ""
    return Reply(heading, body=[Lines(shown)], hint=hint)


def _text(words: Sequence[str], limit: int = 2000) -> str:
    text = clean(" ".join(words), limit)
    if not text:
        raise UsageError(_("The text is missing."))
    return text
