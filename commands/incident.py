"""Incidents: opening one, who does what in it, how bad it is, and its end."""

import re
from collections.abc import Sequence

from bot.api import (
    Act,
    Alert,
    Context,
    EntryKind,
    Refused,
    Reply,
    Said,
    Timeline,
    UsageError,
    Word,
    _,
    clean,
    command,
    handling,
    moment,
)

#: what may be called affected, as things are called anywhere
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: how many things one command names at most
_MOST = 50
#: how many other open incidents one is told of
_MOST_OTHERS = 3


@command(
    "incident open", needs="incident.open", risk="changes", words="[SEV] TITLE… | [SEV] --alert N"
)
async def open_(ctx: Context, *title: Said) -> Reply:
    """Open an incident, which you lead: a pinned status, a thread and a timeline.

    SEV is sev1 (worst) to sev4, sev3 where nothing is said. With --alert 7, or as an answer to an
    message about alerts, it takes over what they say.

    Example: incident open sev2 mail is down
    """
    severity, number, words = _opening(title)
    found = await handling.alerts_of(ctx, number)
    named = " ".join(words) or (found[0].title if found else "")
    if not clean(named):
        raise UsageError(
            _("The title is missing."),
            hint=_("Write it like {prefix}incident open sev2 mail is down").format(
                prefix=ctx.prefix
            ),
        )
    opened, sentence = await handling.begin(ctx, named, severity or _severity_of(found), found)
    words_on = _(
        "SEV{severity}: {title}. Its pinned message tells how it stands; write in its thread.\n"
        "{prefix}incident affects NAME… lets its timeline hear of jobs and alerts on those."
    )
    incident = (await handling.standing(ctx, opened)).incident
    hint = words_on.format(severity=incident.severity, title=incident.title, prefix=ctx.prefix)
    already = _(
        "Incident {other} is open already: {title}. {prefix}incident resolve #{n} duplicate "
        "ends this one."
    )
    for other in [each for each in ctx.incidents.open if each.id != opened][-_MOST_OTHERS:]:
        hint += "\n" + already.format(
            other=other.id, title=clean(other.title, 100), prefix=ctx.prefix, n=opened
        )
    return Reply(sentence, hint=hint)


def _opening(words: tuple[str, ...]) -> tuple[int | None, int | None, tuple[str, ...]]:
    """How bad, from which alert, and the title; other words that look like options are of it."""
    severity = number = None
    if _ALERT in words:
        place = words.index(_ALERT)
        found = re.fullmatch(r"#?([0-9]{1,9})", "".join(words[place + 1 : place + 2]))
        if found is None:
            raise UsageError(_("Behind --alert stands the number of the alert."))
        number, words = int(found[1]), words[:place] + words[place + 2 :]
    # a lone digit begins a title: 1 of 2 paths is down
    if words and (match := _SEVERITY.fullmatch(words[0])) and match[1]:
        severity, words = int(match[2]), words[1:]
    return severity, number, words


_ALERT = "--alert"
_SEVERITY = re.compile(r"(sev)?([1-4])", re.IGNORECASE)


def _severity_of(alerts: Sequence[Alert]) -> int | None:
    """What alerts come to where nobody said how bad it is: 2 where one is critical."""
    return 2 if any(alert.severity.name == "CRITICAL" for alert in alerts) else None


@command("incident join", needs="incident.note", risk="changes", words="[#N]")
async def join(ctx: Context, *words: Word) -> Reply:
    """Take part in an incident, so that everybody sees who is there.

    Example: incident join
    """
    number, rest = await handling.meant(ctx, words)
    _nothing_more(rest)

    def decide(found: Timeline) -> Act:
        return Act(EntryKind.JOINED, _("You are with incident {n}.").format(n=number))

    return await handling.act(ctx, "incident.note", number, decide)


@command("incident lead", needs="incident.lead", risk="changes", words="[#N] PERSON")
async def lead(ctx: Context, *words: Word) -> Reply:
    """Say who leads the incident.

    Example: incident lead nounou
    """
    number, rest = await handling.meant(ctx, words)
    who = handling.member(ctx, rest)
    said = _("{who} leads incident {n}.").format(who=who, n=number)
    return await handling.act(
        ctx,
        "incident.lead",
        number,
        lambda found: Act(
            EntryKind.LEAD, said, data={"lead": who}, hint=handling.lacks_lead(ctx, who)
        ),
    )


@command("incident scribe", needs="incident.lead", risk="changes", words="[#N] PERSON")
async def scribe(ctx: Context, *words: Word) -> Reply:
    """Say who writes down what happens in the incident.

    Example: incident scribe nounou
    """
    number, rest = await handling.meant(ctx, words)
    who = handling.member(ctx, rest)
    said = _("{who} is the scribe of incident {n}.").format(who=who, n=number)
    return await handling.act(
        ctx,
        "incident.lead",
        number,
        lambda found: Act(EntryKind.SCRIBE, said, data={"scribe": who}),
    )


@command("incident sev", needs="incident.lead", risk="changes", words="[#N] 1-4")
async def sev(ctx: Context, *words: Word) -> Reply:
    """Say how bad the incident is: 1 is the worst, 4 the least.

    Example: incident sev 1
    """
    number, rest = await handling.meant(ctx, words)
    match = _SEVERITY.fullmatch(rest[0]) if len(rest) == 1 else None
    if match is None:
        raise UsageError(_("How bad it is, is a number from 1 (worst) to 4."))
    severity = int(match[2])
    said = _("Incident {n} is SEV{severity}.").format(n=number, severity=severity)
    return await handling.act(
        ctx,
        "incident.lead",
        number,
        lambda found: Act(EntryKind.SEVERITY, said, data={"severity": severity}),
    )


@command("incident affects", needs="incident.lead", risk="changes", words="[#N] NAME…")
async def affects(ctx: Context, *words: Word) -> Reply:
    """Name what the incident affects: jobs, alerts and hosts' news of those join its timeline.

    Example: incident affects vm fz
    """
    number, rest = await handling.meant(ctx, words)
    names = list(dict.fromkeys(rest))
    wrong = [name for name in names if _NAME.fullmatch(name) is None]
    if not names or wrong or len(names) > _MOST:
        raise UsageError(
            _("{text} is not a name.").format(text=clean(repr(wrong[0]), 60))
            if wrong
            else _("Name what it affects: DomUs, Dom0s, volumes; {most} at most.").format(
                most=_MOST
            )
        )
    known = ctx.inventory.names("domu") | ctx.inventory.names("dom0")
    strange = [name for name in names if name not in known]
    hint = _("Not known as a DomU or Dom0 now: {names}").format(names=", ".join(strange))
    said = _("Incident {n} affects {names}.").format(n=number, names=", ".join(names))
    return await handling.act(
        ctx,
        "incident.lead",
        number,
        lambda found: Act(
            EntryKind.AFFECTS, said, data={"objects": names}, hint=hint if strange else ""
        ),
    )


@command("incident handover", needs="incident.lead", risk="changes", words="[#N] PERSON")
async def handover(ctx: Context, *words: Word) -> Reply:
    """Hand the lead over: the one who takes it is called, with all that has to be known.

    Example: incident handover nounou
    """
    number, rest = await handling.meant(ctx, words)
    who = handling.member(ctx, rest)
    said = _("{who} leads incident {n} now, and is told in its thread how it stands.").format(
        who=who, n=number
    )
    return await handling.act(
        ctx,
        "incident.lead",
        number,
        lambda found: Act(
            EntryKind.HANDOVER, said, data={"lead": who}, hint=handling.lacks_lead(ctx, who)
        ),
    )


@command("incident resolve", needs="incident.resolve", risk="changes", words="[#N] SUMMARY…")
async def resolve(ctx: Context, *words: Said) -> Reply:
    """End an incident, and say in a sentence what it was.

    Example: incident resolve a cable was loose; it is fixed
    """
    # where none is open, whoever comes second is told who came first
    number, rest = await handling.meant(ctx, words, last=True)
    summary = clean(" ".join(rest), 500)
    if not summary:
        raise UsageError(_("Say in a sentence what it was and what was done."))

    def decide(found: Timeline) -> Act:
        left = sum(not task.done for task in found.incident.tasks)
        open_tasks = _("Tasks that are open still: {count}.").format(count=left)
        how = _("{prefix}incident export #{n} writes the report.")
        hint = how.format(prefix=ctx.prefix, n=number)
        said = _("Incident {n} is resolved: {summary}").format(n=number, summary=summary)
        return Act(
            EntryKind.RESOLVED, said, summary, hint=f"{open_tasks}\n{hint}" if left else hint
        )

    return await handling.act(ctx, "incident.resolve", number, decide)


@command("incident reopen", needs="incident.resolve", risk="changes", words="[#N]")
async def reopen(ctx: Context, *words: Word) -> Reply:
    """Open an incident again that was resolved too early; the last one without a number.

    Example: incident reopen #3
    """
    number, rest = await handling.meant(ctx, words, last=True)
    _nothing_more(rest)

    def decide(found: Timeline) -> Act:
        if found.incident.open:
            last = found.last(EntryKind.OPENED, EntryKind.REOPENED)
            words = _("Incident {n} is open already, by {person} since {time}.")
            since = moment(last.at, ctx.now)
            raise Refused(words.format(n=number, person=last.person, time=since))
        return Act(EntryKind.REOPENED, _("Incident {n} is open again.").format(n=number))

    return await handling.act(ctx, "incident.resolve", number, decide)


def _nothing_more(rest: tuple[str, ...]) -> None:
    if rest:
        raise UsageError(
            _("{word} is too much here.").format(word=clean(rest[0], 40)),
            hint=_("The number of an incident is written like #3."),
        )
