"""The homeserver of the demonstration: it comes up, stays alone, and never outlives its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.demo.synapse import Synapse
from bot.errors import BotError
from tests.e2e.chat_site import PATIENCE, Inbox, Place
from tests.e2e.client import Client

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PARENT = """
import asyncio, sys
from pathlib import Path
from bot.demo.synapse import Synapse

async def main():
    synapse = Synapse(Path(sys.argv[1]))
    await synapse.start()
    print(synapse.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def gone(pid: int) -> None:
    """Return once no process has *pid*."""
    descriptor = os.pidfd_open(pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), PATIENCE)
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


async def killed(synapse: Synapse) -> None:
    """End the homeserver as the kernel's out-of-memory killer does."""
    assert synapse.pid is not None
    ending = asyncio.create_task(gone(synapse.pid))
    await asyncio.wait({ending}, timeout=0)
    os.kill(synapse.pid, signal.SIGKILL)
    await ending


async def test_it_keeps_its_port_and_accounts_and_leaves_no_process(tmp_path: Path) -> None:
    said: list[str] = []
    first = Synapse(tmp_path / "synapse", say=said.append)
    await first.start()
    await first.register("nounou", "password")
    await first.register("nounou", "password")
    pid, url = first.pid, first.url
    await first.stop()
    assert first.pid is None
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

    second = Synapse(tmp_path / "synapse", say=said.append)
    await second.start()
    try:
        assert second.url == url
        async with Client(second.url, "nounou", "password"):
            pass
    finally:
        await second.stop()

    assert said == [
        "making a homeserver (the first start takes some ten seconds)",
        "starting the homeserver",
    ]
    kept = [file for file in (tmp_path / "synapse").iterdir() if file.suffix in (".json", ".key")]
    assert [file.stat().st_mode & 0o777 for file in kept] == [0o600] * 2


async def test_it_dies_with_its_parent_however_that_one_dies(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path / "synapse"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    ending = asyncio.create_task(gone(pid))
    await asyncio.wait({ending}, timeout=0)

    parent.send_signal(signal.SIGKILL)

    await parent.wait()
    await ending


async def test_one_that_cannot_come_up_says_where_its_log_is(tmp_path: Path) -> None:
    synapse = Synapse(tmp_path / "synapse")
    synapse.folder.mkdir()
    (synapse.folder / "homeserver.db").write_text("this is no database")

    with pytest.raises(BotError, match="does not come up") as raised:
        await synapse.start()

    assert raised.value.hint == f"see {synapse.log}"
    assert synapse.log.exists()
    assert synapse.pid is None


async def test_one_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    synapse = Synapse(tmp_path / "synapse", patience=0.2)

    with pytest.raises(BotError, match="does not come up"):
        await synapse.start()

    assert synapse.pid is None


async def test_the_chat_goes_on_when_the_homeserver_was_killed_and_comes_back(
    tmp_path: Path,
) -> None:
    synapse = Synapse(tmp_path / "synapse")
    inbox = Inbox()
    await synapse.start()
    try:
        for user in ("nounou", "bot"):
            await synapse.register(user, "password")
        async with Client(synapse.url, "nounou", "password") as nounou:
            room_id = await nounou.create_room("nounou", ("@bot:localhost",))
        place = Place(synapse.url, "#nounou:localhost", room_id, "bot", tmp_path)
        async with place.running(inbox):
            async with Client(synapse.url, "nounou", "password") as nounou:
                await place.entered(nounou)
                await nounou.say(room_id, "!say before")
                await inbox.until(lambda: len(inbox.messages) == 1)

            await killed(synapse)
            await synapse.start()

            async with Client(synapse.url, "nounou", "password") as nounou:
                await nounou.say(room_id, "!say after")
                await inbox.until(lambda: len(inbox.messages) == 2)
    finally:
        await synapse.stop()

    assert inbox.bodies == ["!say before", "!say after"]
