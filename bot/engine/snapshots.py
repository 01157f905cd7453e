"""What consoles showed before and after something was done to their guests, kept for a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Picture
from bot.core.console import Condition
from bot.core.console_text import headline, lines, screen_text
from bot.devices.host import Host
from bot.devices.xen import Domain
from bot.engine import audit_log, consoles, pictures, schema
from bot.engine.consoles import Shot
from bot.engine.schema import snapshots
from bot.errors import BotError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.run import Run

log = structlog.get_logger()

#: what is worse than whatever a guest shows that works
TROUBLES = tuple(Condition)[: tuple(Condition).index(Condition.ROOT_SESSION)]


@dataclass(frozen=True)
class Snapshot:
    """What one console showed at one moment of a job; what nobody may read is blacked out."""

    job: int
    guest: str
    host: str
    #: before or after
    moment: str
    #: seconds since 1970
    at: float
    #: the worst that was seen
    condition: Condition
    #: a caption, what was seen in one sentence, each condition with its evidence, then the screen
    text: str
    #: None where pictures were not wanted
    png: bytes | None
    #: of the picture where there is one, else of the text
    sha256: str

    @property
    def caption(self) -> str:
        """Whose console it is, and the rest that the picture says below."""
        return self.text.split("\n", 1)[0]

    @property
    def headline(self) -> str:
        """The worst that was seen, as a sentence."""
        return self.text.split("\n", 2)[1]

    @property
    def words(self) -> str:
        """The moment, for people."""
        return in_words(self.moment)

    @property
    def file(self) -> str:
        """The name of the picture's file."""
        return pictures.file_name(f"job-{self.job}-{self.guest[:36]}-{self.moment}")

    @property
    def picture(self) -> tuple[Picture, str] | None:
        """The picture with its caption, where there is one."""
        if self.png is None:
            return None
        return Picture(self.file, self.png), f"{self.words}: {self.caption}"


async def take(run: Run, moment: str, host: Host, domain: Domain) -> str:
    """Keep what the console of *domain* on *host* shows; why there is nothing to keep, if so.

    Only by the host's log or by an attach that cannot type.  Raises for no trouble of a device, of
    the picture or of the store: nothing that is done to a guest must fail for its picture.
    """
    engine, silent = run.engine, {*run.silent}
    try:
        # locks are held meanwhile, and who moves a guest waits
        async with asyncio.timeout(engine.timing.connect + engine.console.listen):
            shot = await consoles.look(engine, host, domain)
        if shot is None:
            return _("{host} keeps no log of it and cannot show it read only").format(host=host)
        await _keep(run, moment, shot)
    except TimeoutError:
        return _("{host} did not show it in time").format(host=host)
    except BotError as error:
        # the job needed no picture: its answer does not speak of a host that gave none
        run.silent.intersection_update(silent)
        log.warning("no snapshot", job=run.job.id, guest=domain.plain_name, why=str(error))
        return str(error)
    except Exception:
        # what a guest prints is anything, and a move is under way: no bug may end it
        log.exception("snapshot.bug", job=run.job.id, guest=domain.plain_name)
        return _("a bug of the bot, see its log")
    return ""


async def of_jobs(tx: AsyncConnection, jobs: Collection[int]) -> list[Snapshot]:
    """What is kept of *jobs*, oldest first."""
    query = select(snapshots).where(snapshots.c.job.in_(jobs)).order_by(snapshots.c.id)
    return [_snapshot(row) for row in await tx.execute(query)]


async def forget(tx: AsyncConnection, now: float) -> None:
    """Forget everything whose time is over *now*, but what an open incident still needs."""
    entries, incidents = schema.incident_entries, schema.incidents
    needed = (
        select(entries.c.job)
        .join(incidents, incidents.c.id == entries.c.incident)
        .where((incidents.c.state == "open") & entries.c.job.is_not(None))
    )
    old = (snapshots.c.expires <= now) & snapshots.c.job.not_in(needed)
    await tx.execute(delete(snapshots).where(old))


def in_words(moment: str) -> str:
    """Before or after what it was taken, for people."""
    return {"before": _("before"), "after": _("after")}.get(moment, moment)


def shown(seen: Iterable[Snapshot]) -> list[tuple[Picture, str]]:
    """The pictures of what was *seen*, as an answer has them."""
    return [each.picture for each in seen if each.picture is not None]


def changed(seen: Sequence[Snapshot]) -> str:
    """What is worse after than before, in one sentence; empty where nothing is."""
    before = [each.condition for each in seen if each.moment == "before"]
    after = [each for each in seen if each.moment == "after"]
    if not after or after[-1].condition not in TROUBLES or after[-1].condition in before:
        return ""
    return _("⚠ On its console now: {seen}").format(seen=after[-1].headline)


async def _keep(run: Run, moment: str, shot: Shot) -> None:
    engine, job = run.engine, run.job
    png = None
    if pictures.wanted(engine, job.room):
        picture, _said = await pictures.of(engine, shot, job.person, in_words(moment))
        png = picture.png
    text = _text(shot, job.person)
    hashes = {"text": _digest(text.encode())} | ({"png": _digest(png)} if png is not None else {})
    row = {
        "job": job.id,
        "guest": shot.guest,
        "host": shot.host,
        "moment": moment,
        "at": shot.at,
        "condition": shot.notices[0].condition.value,
        "text": text,
        "png": png,
        "sha256": hashes.get("png", hashes["text"]),
        "expires": engine.clock() + engine.console.keep,
    }
    # of a job that is gone on with after a crash, the last look counts
    same = (snapshots.c.job == job.id) & (snapshots.c.moment == moment)
    said = {key: row[key] for key in ("guest", "host", "moment")}
    said |= {"seen": headline(shot.whose, shot.notices), "sha256": hashes}
    async with engine.store.write() as tx:
        await tx.execute(delete(snapshots).where(same & (snapshots.c.guest == shot.guest)))
        await tx.execute(insert(snapshots), row)
        await audit_log.append(tx, "pictured", run.about | said, engine.clock())


def _text(shot: Shot, by: str) -> str:
    head = [pictures.caption(shot, by), headline(shot.whose, shot.notices)]
    return "\n".join([*head, *lines(shot.notices), "", screen_text(shot.screen)]).rstrip()


def _snapshot(row: Any) -> Snapshot:
    return Snapshot(
        row.job,
        row.guest,
        row.host,
        row.moment,
        row.at,
        Condition(row.condition),
        row.text,
        row.png,
        row.sha256,
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
