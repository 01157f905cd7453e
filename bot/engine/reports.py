"""Reports of incidents: written to a folder, and sent to whoever asks, each once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.core import postmortem
from bot.core.chat import Post
from bot.core.postmortem import Case
from bot.core.postmortem_text import report
from bot.core.render import Reply
from bot.engine import audit_log, jobs, outbox, schema, snapshots, timeline
from bot.errors import Failed, UsageError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.context import Context
    from bot.engine.engine import Engine

#: numbers of entries whose hashes are asked for at once
_AT_ONCE = 500


async def export(ctx: Context, number: int) -> Reply:
    """Write the report of the incident *number* and send it, as Markdown and as JSON.

    Raises `UsageError` where there is no such incident, `Failed` where it cannot be written.
    """
    engine = ctx.engine
    case = await known(engine, number)
    pictures = await _pictures(engine, case) if engine.reports is not None else {}
    names = {_digest(png): name for name, png in pictures.items()}
    case = replace(case, pictures=names)
    files = {
        f"incident-{number}.md": report(case),
        f"incident-{number}.json": postmortem.document(case),
    }
    folder = engine.reports
    if folder is not None:
        texts = {name: content.encode() for name, content in files.items()}
        await asyncio.to_thread(_write, folder, texts | pictures)
    told = Reply(_("The report of incident {number} is written.").format(number=number))
    await _send(ctx, case, files, told.result)
    left = _("It is in {folder} as well.").format(folder=folder) if folder is not None else ""
    draft = _("The incident is still open: this is a draft.") if case.incident.open else ""
    return Reply(told.result, hint="\n".join(line for line in (draft, left) if line))


async def known(engine: Engine, number: int) -> Case:
    """Everything that is known of the incident now; raises `UsageError` where there is none."""
    await timeline.catch_up(engine, number)
    found = await engine.incidents.timeline(number)
    if found is None:
        raise UsageError(
            _("There is no incident {number}.").format(number=number),
            hint=_("{prefix}incident list --all lists them.").format(prefix=engine.prefix),
        )
    alerts = [await engine.alerts.numbered(alert) for alert in found.incident.alerts]
    return Case(
        incident=found.incident,
        entries=found.entries,
        alerts=[alert for alert in alerts if alert is not None],
        hashes=await _hashes(engine, [each.audit for each in found.entries if each.audit]),
        zone=UTC if engine.timezone == "UTC" else ZoneInfo(engine.timezone),
        now=engine.clock(),
        prefix=engine.prefix,
    )


async def _hashes(engine: Engine, numbers: list[int]) -> dict[int, str]:
    """The hashes that the record itself has, whatever the timeline says of them."""
    audit, found = schema.audit, dict[int, str]()
    async with engine.store.read() as tx:
        for start in range(0, len(numbers), _AT_ONCE):
            wanted = numbers[start : start + _AT_ONCE]
            query = select(audit.c.number, audit.c.hash).where(audit.c.number.in_(wanted))
            found |= {row.number: str(row.hash) for row in await tx.execute(query)}
    return found


async def _send(ctx: Context, case: Case, files: Mapping[str, str], sentence: str) -> None:
    """Queue each file in the thread of who asks, once, with the record of it."""
    engine, job = ctx.engine, ctx.job
    async with engine.store.write() as tx:
        for name, content in files.items():
            post = Post(
                job.room,
                engine.txn(f"{job.id}-export-{name}"),
                Reply(name).text(),
                about=job.event_id,
                threaded=True,
                file=name,
                attachment=content,
            )
            await outbox.put(tx, post)
        data = {
            "person": job.person,
            "job": job.id,
            "verb": "incident.export",
            "objects": list(case.incident.affects),
            "incident": case.incident.id,
            "sha256": {name: _digest(content.encode()) for name, content in files.items()},
        }
        await audit_log.append(tx, "incident", data, engine.clock())
        await jobs.done(tx, job.id, sentence)
    engine.outbox.wake()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def _pictures(engine: Engine, case: Case) -> dict[str, bytes]:
    """The pictures that are kept of the consoles on the timeline of *case*, by their files."""
    jobs = {entry.job for entry in case.entries if entry.job and "picture" in entry.data}
    async with engine.store.read() as tx:
        kept = await snapshots.of_jobs(tx, jobs)
    named = {f"incident-{case.incident.id}-{each.file}": each.png for each in kept}
    return {name: png for name, png in named.items() if png is not None}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put *files* into *folder*, each whole or not at all, for nobody else to read."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) & 0o077 and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)
        for name, content in files.items():
            _put(folder / name, content)
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        raise Failed(
            _("The report cannot be written into {folder} ({why}).").format(
                folder=folder, why=error.strerror
            ),
            hint=_("incidents.folder in the config says where reports are written."),
        ) from error


def _put(path: Path, content: bytes) -> None:
    # a name of its own: two people may export at once
    opened, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
