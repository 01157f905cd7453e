"""What the bot said to one user of its own host: a small log on disk, numbered, each txn once."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.core.chat import Post
from bot.errors import ChatUnavailable
from bot.i18n import _

#: a log holds at most so many sayings, and so many bytes of them
KEPT = 200
KEPT_BYTES = 2**20
#: the longest text that is kept whole, in characters
LONGEST = 2**16
#: how many answers somebody who comes anew is told whole
LATEST = 3


@dataclass(frozen=True)
class Said:
    """One post as it was said; `n` counts those of one room from 1."""

    n: int
    event: str
    body: str
    #: the event that it replaces
    edits: str | None
    status: dict[str, Any] | None

    @property
    def is_answer(self) -> bool:
        """Whether it is worth reading later: no state in between."""
        return self.status is None or self.status.get("final") is True


class LocalRoom:
    """The room of one user, kept in *file*; open it before use."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._said: list[Said] = []
        self._lock = asyncio.Lock()
        self._opened = False
        #: whether the file ends as it should: not known before it was written, nor after a failure
        self._whole = False
        self._bytes = 0
        #: the number up to which some client has had everything
        self.delivered = 0
        #: set, and replaced by a new one, whenever something was said
        self.news = asyncio.Event()

    @property
    def last(self) -> int:
        return self._said[-1].n if self._said else 0

    async def open(self) -> None:
        """Read what an earlier bot said; raises `ChatUnavailable` where that fails."""
        async with self._lock:
            if self._opened:
                return
            try:
                self._said, self.delivered = await asyncio.to_thread(self._read)
            except OSError as error:
                raise _unavailable(error) from error
            self._opened = True

    async def say(self, post: Post) -> Said:
        """Keep *post*, unless it was kept before; raises `ChatUnavailable`."""
        await self.open()
        async with self._lock:
            said = self.of(post)
            if known := next((each for each in self._said if each.event == said.event), None):
                return known
            try:
                await asyncio.to_thread(self._keep, said)
            except OSError as error:
                raise _unavailable(error) from error
            self._said.append(said)
        rung, self.news = self.news, asyncio.Event()
        rung.set()
        return said

    def of(self, post: Post) -> Said:
        """*post* as the next one to be said."""
        status = post.status.content() if post.status is not None else None
        event = f"$local-{post.txn}"
        return Said(self.last + 1, event, _bounded(post.words), post.edits, status)

    async def bodies(self) -> list[str]:
        """The texts that are kept, as they were said first, newest first."""
        await self.open()
        return [said.body for said in reversed(self._said) if said.edits is None]

    def after(self, n: int) -> list[Said]:
        """What was said after number *n*, of each message only its newest edit."""
        later = [said for said in self._said if said.n > n]
        newest = {said.edits: said.n for said in later}
        return [said for said in later if said.edits is None or newest[said.edits] == said.n]

    def missed(self) -> list[Said]:
        """The answers that no client has had."""
        return [said for said in self.after(self.delivered) if said.is_answer]

    async def remember(self) -> None:
        """Keep on disk how far clients have read; what is lost of that is only shown once more."""
        with suppress(OSError):
            await asyncio.to_thread(self._seen.write_text, str(self.delivered), "ascii")

    @property
    def _seen(self) -> Path:
        return self._file.with_suffix(".seen")

    def _read(self) -> tuple[list[Said], int]:
        """What is on disk; reading changes nothing there, so that it works on a full disk."""
        said = _kept(_sayings(self._file))
        try:
            delivered = int(self._seen.read_text("ascii"))
        except (FileNotFoundError, ValueError):
            delivered = 0
        return said, min(delivered, said[-1].n if said else 0)

    def _keep(self, said: Said) -> None:
        """Append *said*, to a log that is whole and not twice as long as it may be."""
        line = _line(said)
        if not self._whole or len(self._said) >= 2 * KEPT or self._bytes >= 2 * KEPT_BYTES:
            self._write_anew()
        self._whole = False
        with open(os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb") as log:
            log.write(line)
            log.flush()
            os.fsync(log.fileno())
        self._whole = True
        self._bytes += len(line)

    def _write_anew(self) -> None:
        self._said = _kept(self._said)
        lines = [*map(_line, self._said)]
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as log:
            log.writelines(lines)
            log.flush()
            os.fsync(log.fileno())
        new.replace(self._file)
        self._bytes = sum(map(len, lines))


def _sayings(file: Path) -> list[Said]:
    """The sayings in *file*; a line that a crash tore off is none."""
    if not file.exists():
        return []
    found = []
    for line in file.read_bytes().splitlines():
        with suppress(ValueError, TypeError):
            found.append(Said(**json.loads(line)))
    return found


def _kept(said: list[Said]) -> list[Said]:
    """The newest of *said* that a log may hold."""
    room, kept = KEPT_BYTES, []
    for each in reversed(said[-KEPT:]):
        room -= len(_line(each))
        if room < 0:
            break
        kept.append(each)
    return kept[::-1]


def _line(said: Said) -> bytes:
    return json.dumps(asdict(said)).encode() + b"\n"


def _bounded(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return _("{text}\n… and {count} characters more, which are not kept here").format(
        text=text[:LONGEST], count=len(text) - LONGEST
    )


def _unavailable(error: OSError) -> ChatUnavailable:
    return ChatUnavailable(_("What is said cannot be kept ({why})").format(why=error.strerror))
