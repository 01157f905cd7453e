"""`nounou demo --web` before anything starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bot.demo import node
from bot.demo.keeping import CannotStart
from bot.demo.run import Options, run
from bot.demo.web import listen
from bot.errors import UsageError


@pytest.mark.parametrize(
    "options", [Options(web=True, terminal=True), Options(web=True, script="-")]
)
def test_a_web_client_goes_with_no_other_way_to_speak(options: Options) -> None:
    with pytest.raises(UsageError, match="--web takes neither --terminal nor --script"):
        run(options)


def test_where_node_is_missing_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "find", lambda least: None)

    with pytest.raises(CannotStart, match=r"the web client needs Node\.js 18 or later") as failure:
        run(Options(web=True, state=tmp_path / "state"))

    assert failure.value.hint == "on Debian or Ubuntu: apt install nodejs npm"
    assert not (tmp_path / "state").exists()


@asynccontextmanager
async def served(kept: Path) -> AsyncIterator[int]:
    """The port on which something is served."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        yield await listen(runner, kept)
    finally:
        await runner.cleanup()


async def test_a_browser_finds_the_next_demo_where_the_last_one_was(tmp_path: Path) -> None:
    """What a browser keeps belongs to an address, and would be lost with it."""
    kept = tmp_path / "web-port"
    async with served(kept) as first, served(kept) as second:
        assert second != first
    async with served(kept) as third:
        assert third == second
