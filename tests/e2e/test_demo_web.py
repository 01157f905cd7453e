"""`nounou demo --web` as a person uses it: in a real browser, with a real web client."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import yaml

from bot.core.chat import STATUS_KEY
from bot.demo.folder import PLAIN_ROOM, Folder
from bot.demo.web import LEAST_NODE, SOURCES
from tests.demo.test_endings import eventually, processes
from tests.e2e import browser
from tests.e2e.browser import Page
from tests.e2e.client import Client, Seen
from tests.e2e.web import ROOT, installed, unavailable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

#: seconds for the first start of everything, with the build of the client
PATIENCE = 240.0
COMPOSER = ".MessageComposer_input textarea"
TIMELINE = "document.querySelector('.Timeline_scroller')"
#: whether the homeserver has two signatures of the browser's device: its own, and its owner's
SIGNED = """(async () => {
    const [{ homeserver, accessToken, userId, deviceId }] =
        JSON.parse(localStorage.hydrogen_sessions_v1);
    const answer = await fetch(`${homeserver}/_matrix/client/v3/keys/query`, {
        method: "POST",
        headers: { Authorization: `Bearer ${accessToken}` },
        body: JSON.stringify({ device_keys: { [userId]: [deviceId] } }),
    });
    const device = (await answer.json()).device_keys[userId]?.[deviceId];
    return Object.keys(device?.signatures[userId] ?? {}).length == 2;
})()"""
#: whether a picture is shown that is as wide as those of consoles are
PICTURE = """[...document.querySelectorAll(".Timeline_messageBody img")]
    .some(image => image.naturalWidth === 744)"""
#: what is said in the room and wider than its place there
WIDER = """[document.documentElement, ...document.querySelectorAll(".Timeline_messageBody *")]
    .filter(element => element.scrollWidth > element.clientWidth && element.clientWidth)
    .map(element => element.outerHTML.slice(0, 300))"""


@dataclass(frozen=True)
class Demo:
    """A demonstration that serves a web client at `url`."""

    process: asyncio.subprocess.Process
    url: str


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Demo]:
    """A demonstration without a terminal, which ends when it is told to, and leaves nothing."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bot", "demo", "--web", "--state", str(folder)),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            yield Demo(process, await _address(process))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    eventually(lambda: not processes(folder), lambda: f"the end of {processes(folder)}")


async def _address(process: asyncio.subprocess.Process) -> str:
    """The address for the browser, which the demonstration prints."""
    assert process.stderr is not None
    said = ""
    async for line in process.stderr:
        said += line.decode()
        if found := re.search(r"http\S+\?ticket=\S+", said):
            return found[0]
    raise AssertionError(f"it ends without an address:\n{said}")


@pytest.fixture
async def program(tmp_path: Path) -> str:
    """The browser, where everything that these tests need is there."""
    found = browser.find()
    if found is None:
        unavailable("there is no Chromium, neither in PATH nor named by NOUNOU_CHROMIUM")
    await installed(LEAST_NODE, SOURCES, tmp_path / "npm.log")
    return found


async def test_commands_are_answered_in_both_rooms(program: str, tmp_path: Path) -> None:
    async with running(tmp_path / "state") as demo:
        async with browser.opened(program, tmp_path / "profile", demo.url) as page:
            await enters(page, "nounou", "Send an encrypted message…")
            await is_signed(page)
            await ping(page)
            await sees_a_console(page, tmp_path)
            await migrate(page, "fz", tmp_path)
            await reads_on_a_phone(page, tmp_path)
            await the_session_stays(page)

            await enters(page, "plain", "Send a message…")
            await ping(page)
            await migrate(page, "fy", tmp_path)
            await destroy(page, "owl", tmp_path)

        await nobody_gets_in_without_the_ticket(program, tmp_path / "other", demo.url)


async def enters(page: Page, room: str, invitation: str) -> None:
    """The room is one of the list, and says whether it is encrypted."""
    names = "[...document.querySelectorAll('.RoomList .name')]"
    await page.click(f"{names}.find(name => name.innerText === '{room}')")
    await page.until(f"document.querySelector('{COMPOSER}')?.placeholder === '{invitation}'")


async def is_signed(page: Page) -> None:
    """Return once the demonstration has signed the browser's device; else the bot refuses it."""
    async with asyncio.timeout(browser.PATIENCE):
        while not await page.value(SIGNED):
            pass


async def ping(page: Page) -> None:
    await page.enter(COMPOSER, "!ping")
    await page.shows("pong")


async def sees_a_console(page: Page, pictures: Path) -> None:
    """Of a console there is a picture in an encrypted room, which the client decrypts and shows."""
    await page.enter(COMPOSER, "!console vm")
    await page.shows("vm shows a login prompt.")
    await page.until(PICTURE)
    await to_the_end(page)
    await page.picture(pictures / "console.png")


async def migrate(page: Page, to: str, pictures: Path) -> None:
    """The progress is one message, which becomes the answer."""
    await page.enter(COMPOSER, f"!migrate vm {to}")
    await page.shows("▶ moving vm")
    await page.shows("⏳ 1")
    await page.picture(pictures / f"progress-{to}.png")
    await page.shows(f"✔ vm runs on {to}, and only there.")
    await page.shows("✅ 1")
    assert "▶ moving vm" not in await page.text()
    await page.picture(pictures / f"answer-{to}.png")


async def destroy(page: Page, guest: str, pictures: Path) -> None:
    """The plan stands there whole until a second person has approved it; then it is the answer."""
    folder = Folder(pictures / "state", "matrix")
    config = yaml.safe_load(folder.config.read_text())
    url, password = config["chat"]["homeserver"], folder.password("nounou2")[0]
    async with Client(url, "nounou2", password) as nounou2:
        await page.enter(COMPOSER, f"!domu destroy {guest}")
        shown = await nounou2.wait_for(lambda seen: code_of(seen) != "")
        code = code_of(shown)
        await page.shows(f"!approve {code}")
        await to_the_end(page)
        await page.picture(pictures / "request.png")
        await page.resize(390, 844, phone=True)
        await to_the_end(page)
        await page.picture(pictures / "phone-request.png")
        assert await page.value(WIDER) == []

        await nounou2.say(PLAIN_ROOM, f"!approve {code}")
        await page.shows(f"✔ {guest} is destroyed")
        await to_the_end(page)
        await page.picture(pictures / "phone-approved.png")
        await page.resize(1280, 900)
        await to_the_end(page)
        await page.picture(pictures / "approved.png")


def code_of(seen: Seen) -> str:
    """The code that a message of the bot waits for."""
    return str(seen.content.get(STATUS_KEY, {}).get("code", ""))


async def to_the_end(page: Page) -> None:
    await page.value(f"{TIMELINE}.scrollTop = {TIMELINE}.scrollHeight")


async def reads_on_a_phone(page: Page, pictures: Path) -> None:
    """Nothing is wider than the screen, so nobody scrolls sideways to read."""
    await page.resize(390, 844, phone=True)
    for command, answer in {"!help": "!whoami", "!domu list": "sleeper"}.items():
        await page.enter(COMPOSER, command)
        await page.shows(answer)
        await to_the_end(page)
        await page.picture(pictures / f"phone-{command.strip('!').replace(' ', '-')}.png")
        assert await page.value(WIDER) == []
    await page.resize(1280, 900)


async def the_session_stays(page: Page) -> None:
    """Whoever loads the page again is who they were, and reads on where the room ends.

    The client shows the last messages only, so it is the last answer that is waited for.
    """
    before = await page.value("localStorage.hydrogen_sessions_v1")

    await page.tell("Page.reload")

    await page.shows("sleeper: stopped")
    after = await page.value("localStorage.hydrogen_sessions_v1")
    assert device(after) == device(before) != []


def device(sessions: str) -> list[str]:
    return re.findall(r'"deviceId":"(\w+)"', sessions)


async def nobody_gets_in_without_the_ticket(program: str, profile: Path, url: str) -> None:
    address = url.partition("?")[0]
    async with aiohttp.ClientSession() as session, session.post(f"{address}session") as answer:
        assert answer.status == 403

    async with browser.opened(program, profile, f"{address}?ticket=x") as page:
        await page.shows("Open the address that the demo prints.")
