"""The record of everything that was asked and done."""

from bot.api import (
    Context,
    Count,
    JobNumber,
    Lines,
    Refused,
    Reply,
    Size,
    Table,
    Word,
    _,
    clean,
    command,
    ngettext,
    record_row,
    record_story,
)

#: how many entries an answer shows
_SHOWN = 20
#: how many entries of one job are told
_STORY = 300
_FILE = "record.jsonl"


@command("audit tail", needs="audit.tail")
async def tail(ctx: Context, count: Count = 10) -> Reply:
    """Show the last entries of the record.

    Example: audit tail 20
    """
    entries = await ctx.records.audit_tail(count)
    return Reply(
        _("The last {count} entries:").format(count=len(entries)),
        body=[Table([*map(record_row, entries)])],
    )


@command("audit search", needs="audit.search")
async def search(ctx: Context, *filters: Word) -> Reply:
    """Look for entries of the record, newest first.

    Filters: by PERSON, on OBJECT, verb VERB, kind KIND, job JOB, since TIME, until TIME,
    before NUMBER. Any other word has to occur. * stands for anything; a TIME is 2h (ago),
    2026-11-25, or 2026-11-25T03:00 (UTC).

    Example: audit search by anna on vm-* since 2h
    """
    query = ctx.records.audit_query(filters, first=2)
    found = await ctx.records.audit_search(query, _SHOWN, own=ctx.job.id)
    if not found.entries and found.before is None:
        return Reply(_("Nothing of the kind is in the record."))
    hint = ""
    if found.before is not None:
        shown = len(found.entries) == _SHOWN
        hint = _("There is more.") if shown else _("Older entries were not looked at.")
        hint += " " + _("Go on with: {prefix}audit search {words}").format(
            prefix=ctx.prefix, words=clean(str(query.older_than(found.before)), 400)
        )
    count = len(found.entries)
    if not count:
        return Reply(_("Nothing of the kind was found so far."), hint=hint)
    sentence = ngettext("{count} entry:", "{count} entries, newest first:", count)
    table = Table([*map(record_row, found.entries)])
    return Reply(sentence.format(count=count), body=[table], hint=hint)


@search.check
async def _can_be_looked_for(ctx: Context, *filters: str) -> None:
    ctx.records.audit_query(filters, first=2)


@command("audit show", needs="audit.show")
async def show(ctx: Context, job: JobNumber) -> Reply:
    """Tell all that the record says of a job, in its order.

    Example: audit show 7
    """
    asked = await ctx.records.job(job)
    found = await ctx.records.audit_of_job(job, _STORY)
    entries = found.entries[::-1]
    hint = ""
    if found.before is not None:
        hint = _("Older ones: {prefix}audit export job {job} before {number}").format(
            prefix=ctx.prefix, job=job, number=found.before
        )
    return Reply(
        _("Job {job} of {person}: {line}").format(
            job=job, person=asked.person, line=clean(ctx.shown(asked.line), 120)
        ),
        body=[Lines([line for entry in entries for line in record_story(entry)])],
        hint=hint,
    )


@command("audit export", needs="audit.export")
async def export(ctx: Context, *filters: Word) -> Reply:
    """Send entries of the record as a file of JSON Lines; the filters are those of audit search.

    Example: audit export job 7
    """
    query = ctx.records.audit_query(filters, first=2)
    file = await ctx.records.audit_export(query, own=ctx.job.id)
    if not file.count:
        return Reply(_("Nothing of the kind is in the record."))
    hint = ""
    if file.cut:
        hint = _("There are older ones; everything: nounou audit export, on the bot's host.")
    sentence = ngettext(
        "{count} entry is in {file} ({size}).",
        "{count} entries are in {file} ({size}), oldest first.",
        file.count,
    )
    return Reply(
        sentence.format(count=file.count, file=_FILE, size=Size(len(file.lines))),
        hint=hint,
        file=_FILE,
        attachment=file.lines,
    )


@export.check
async def _can_be_exported(ctx: Context, *filters: str) -> None:
    ctx.records.audit_query(filters, first=2)


@command("audit verify", needs="audit.verify")
async def verify(ctx: Context) -> Reply:
    """Read the whole record and say whether anybody changed it.

    Example: audit verify
    """
    verdict = await ctx.records.audit_verify()
    heard = await ctx.records.audit_heard()
    if not verdict.ok:
        raise Refused(verdict.sentence, hint=heard.sentence)
    if not heard.ok:
        raise Refused(heard.sentence, hint=_("The chain itself is whole, as a new one would be."))
    return Reply(verdict.sentence, heard.sentence)
