"""The record of everything that was asked and done."""

from bot.api import Context, Count, Entry, Refused, Reply, _, clean, command


@command("audit tail", needs="audit.tail")
async def tail(ctx: Context, count: Count = 10) -> Reply:
    """Show the last entries of the record.

    Example: audit tail 20
    """
    entries = await ctx.records.audit_tail(count)
    return Reply(
        _("The last {count} entries:").format(count=len(entries)),
        "\n".join(map(_line, entries)),
    )


@command("audit verify", needs="audit.verify")
async def verify(ctx: Context) -> Reply:
    """Read the whole record and say whether anybody changed it.

    Example: audit verify
    """
    verdict = await ctx.records.audit_verify()
    if not verdict.ok:
        raise Refused(verdict.sentence, hint=_("Compare it with the lines in the audit room."))
    return Reply(verdict.sentence)


def _line(entry: Entry) -> str:
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
    return f"{entry.at[:19]} {entry.short}  {entry.kind}: {' · '.join(said)}"
