"""Pictures of consoles: where they are wanted, how they are made, and their posting for a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Picture, Post
from bot.core.render import Reply
from bot.core.text import clean
from bot.devices.console import Way
from bot.engine import outbox
from bot.engine.aside import aside
from bot.i18n import _
from bot.screen.picture import draw

if TYPE_CHECKING:
    from bot.engine.consoles import Shot
    from bot.engine.engine import Engine
    from bot.engine.jobs import Job

#: what is a letter of a file's name everywhere
_STRANGE = re.compile(r"[^A-Za-z0-9._-]")


def wanted(engine: Engine, room: str, *, secret: bool = True) -> bool:
    """Whether pictures may be posted in *room*; not where nobody knows whether it is encrypted.

    Those that are not *secret*, as plots, may be in any room unless no pictures are wanted at all.
    """
    rule = engine.console.pictures
    if not secret:
        return rule != "never"
    return rule == "always" or (rule == "encrypted" and engine.chat.encrypted(room) is True)


async def of(engine: Engine, shot: Shot, by: str = "", occasion: str = "") -> tuple[Picture, str]:
    """The picture of *shot* with its caption; *by*: who asked for it, *occasion*: for what."""
    said = " · ".join(filter(None, (occasion, caption(shot, by))))
    stamp = datetime.fromtimestamp(shot.at, UTC).strftime("%Y%m%d-%H%M%S")
    name = file_name(f"{shot.whose[:40]}-{stamp}")
    return await aside(engine.store, draw, shot.screen, name, said), said


def file_name(words: str) -> str:
    """A name that *words* make for a picture's file."""
    return f"{_STRANGE.sub('_', words)[:60]}.png"


def caption(shot: Shot, by: str = "") -> str:
    """Whose console *shot* shows, on which host, when, by which way, and who asked: one line."""
    ways = {
        Way.LOG: _("from the host's log"),
        Way.VIEW: _("attached, read only"),
        Way.VISIT: _("attached"),
        Way.SERIAL: _("its serial port"),
    }
    where = _("{guest} on {host}").format(guest=clean(shot.guest, 80), host=shot.host)
    parts = [where if shot.guest else shot.host, moment(shot.at), ways[shot.way]]
    if shot.printed is not None and shot.way is Way.LOG:
        parts.append(_("last printed {when}").format(when=moment(shot.printed)))
    elif shot.printed is not None and not shot.fresh:
        parts.append(_("nothing new since {when}").format(when=moment(shot.printed)))
    if by:
        parts.append(_("for {person}").format(person=by))
    return " · ".join(parts)


def moment(seconds: float) -> str:
    """*seconds* since 1970 as ``2026-11-25 10:30:00 UTC``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


async def put(
    tx: AsyncConnection, engine: Engine, job: Job, pictures: Sequence[tuple[Picture, str]]
) -> None:
    """Queue *pictures*, each with its caption, in the thread of *job* for a time, where wanted."""
    for number, (picture, said) in enumerate(pictures, 1):
        if not wanted(engine, job.room, secret=picture.secret):
            continue
        post = Post(
            job.room,
            engine.txn(f"{job.id}-picture-{number}"),
            Reply(said).text(),
            about=job.event_id,
            threaded=True,
            picture=picture,
            expires=engine.clock() + engine.console.keep,
        )
        await outbox.put(tx, post)
