"""The record of everything that was asked and done."""

from bot.api import Context, Count, Entry, Refused, Reply, Table, _, clean, command


@command("audit tail", needs="audit.tail")
async def tail(ctx: Context, count: Count = 10) -> Reply:
    """Show the last entries of the record.

    Example: audit tail 20
    """
    entries = await ctx.records.audit_tail(count)
    return Reply(
        _("The last {count} entries:").format(count=len(entries)),
        body=[Table([*map(_row, entries)])],
    )


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


def _row(entry: Entry) -> tuple[str, ...]:
    data = entry.data
    said = [
        clean(str(data[key]), 100)
        for key in ("person", "line", "step", "state", "code", "more")
        if data.get(key) not in (None, "", "ok")
    ]
    if "job" in data:
        said.insert(0, _("job {job}").format(job=data["job"]))
    if "person" not in data and "sender" in data:
        said.insert(0, clean(str(data["sender"]), 80))
    return entry.short, entry.at[:19], f"{entry.kind}: {' · '.join(said)}"
