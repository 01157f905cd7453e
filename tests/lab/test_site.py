"""The site as a process: where it listens, who gets in, how it ends, what it keeps."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bot.lab.place import Place


class Process:
    """A site process of this test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *options: str) -> None:
        """Start it, and wait until it says where it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.lab", "--state", str(self.folder), *options)
        )
        async with asyncio.timeout(30):
            while not (self.folder / "site.json").exists():
                await asyncio.wait({asyncio.ensure_future(self._process.wait())}, timeout=0.02)
        self.site = json.loads((self.folder / "site.json").read_text())

    async def stop(self) -> int:
        """End it with SIGTERM; its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        async with asyncio.timeout(30):
            return await self._process.wait()

    async def do(self, **request: Any) -> dict[str, Any]:
        """One request on the control socket."""
        reader, writer = await asyncio.open_unix_connection(self.site["control"])
        writer.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(20):
            answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        return answer

    async def names(self, host: str) -> set[str]:
        """The domains of *host*."""
        world = await self.do(do="world")
        return {domain["name"] for domain in world["hosts"][host]["domains"]}

    async def ssh(self, host: str, **options: Any) -> asyncssh.SSHClientConnection:
        """A connection as site.json describes it, but for *options*."""
        about = self.site["hosts"][host]
        given: dict[str, Any] = {
            "username": about["user"],
            "client_keys": [about["key_file"]],
            "known_hosts": about["known_hosts"],
            "config": [],
            "agent_path": None,
            "password": "guess",
        }
        return await asyncssh.connect(about["address"], about["port"], **(given | options))


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    made = Process(tmp_path / "state")
    yield made
    await made.stop()


async def test_it_says_where_everything_listens_and_ends_cleanly(process: Process) -> None:
    await process.start()
    site = process.site
    assert set(site["hosts"]) == {"fy", "fz"}
    assert set(site["guests"]) == {"vm", "zamok", "redisdead", "owl", "sleeper"}
    assert {name for name, into in site["guests"].items() if "ssh" in into} == {
        "vm",
        "zamok",
        "sleeper",
    }
    assert [name for name, into in site["guests"].items() if "ntp" in into] == ["redisdead"]
    assert (process.folder / "id").stat().st_mode & 0o77 == 0
    assert (process.folder / "nols.password").stat().st_mode & 0o77 == 0
    assert site["arrays"]["nols"]["password_file"] == str(process.folder / "nols.password")
    async with await process.ssh("fy") as fy:
        answer = await fy.run("sudo xl domid vm", timeout=20)
        assert (answer.stdout, answer.exit_status) == ("1\n", 0)

    assert await process.stop() == 0

    left = sorted(path.name for path in process.folder.iterdir())
    assert "site.json" not in left
    assert not any(name.endswith(".sock") for name in left)
    with pytest.raises(ProcessLookupError):
        os.kill(site["pid"], 0)


async def test_only_the_right_user_with_the_right_key_gets_in(process: Process) -> None:
    await process.start()
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    wrongs: tuple[dict[str, Any], ...] = (
        {"username": "root"},
        {"client_keys": [stranger]},
        {"client_keys": []},
    )
    for wrong in wrongs:
        with pytest.raises(asyncssh.PermissionDenied):
            await process.ssh("fy", **wrong)
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await process.ssh("fy", known_hosts=([], [], []))


async def test_who_runs_where_outlives_a_stop(process: Process) -> None:
    await process.start("--seconds-a-migration", "0.4")
    async with await process.ssh("fy") as fy:
        answer = await fy.run("sudo xl migrate vm fz", timeout=20)
        assert answer.exit_status == 0
        assert str(answer.stderr).endswith("Migration successful.\n")
        await fy.run("sudo xl destroy zamok; echo mine > note", timeout=20)
    assert await process.stop() == 0

    await process.start()

    assert await process.names("fy") == {"owl"}
    assert await process.names("fz") == {"vm", "redisdead"}
    async with await process.ssh("fy") as fy:
        assert (await fy.run("cat ./note; sudo xl domid owl", timeout=20)).stdout == "mine\n3\n"


async def test_faults_can_be_set_from_the_start_and_cleared_by_the_control_socket(
    process: Process,
) -> None:
    await process.start("--fault", "refuse:fz", "--fault", "missing-link:fy:vm-root")
    with pytest.raises((ConnectionRefusedError, asyncssh.Error)):
        await process.ssh("fz")
    faults = (await process.do(do="faults"))["faults"]
    assert faults == [{"name": "refuse", "where": "fz", "match": "", "times": None}]

    assert await process.do(do="clear") == {"ok": True}

    async with await process.ssh("fz") as fz:
        assert (await fz.run("readlink -f /dev/vm-root", timeout=20)).stdout != "/dev/vm-root\n"
    async with await process.ssh("fy") as fy:
        assert (await fy.run("readlink -f /dev/vm-root", timeout=20)).stdout == "/dev/vm-root\n"


async def test_the_control_socket_says_what_it_cannot_do(process: Process) -> None:
    await process.start()
    for wrong in (
        {"do": "dance"},
        {"no": "verb"},
        {"do": "fault", "name": "plague"},
        {"do": "fault", "name": "hang", "where": "nowhere"},
        {"do": "fault", "name": "kill-host", "where": "nols"},
        {"do": "kill", "where": "nowhere", "match": "xl"},
    ):
        assert "error" in await process.do(**wrong)
    assert (await process.do(do="world"))["violations"] == []


async def test_a_scene_is_set_by_the_control_socket(process: Process) -> None:
    await process.start()
    assert await process.do(do="console", where="vm", scene="panic") == {"ok": True}
    async with await process.ssh("fy") as fy:
        shown = await fy.run("sudo timeout 0.5 xl console vm", timeout=20)
    assert "Kernel panic - not syncing" in str(shown.stdout)
    assert "error" in await process.do(do="console", where="vm", scene="nosuch")
    assert "error" in await process.do(do="console", where="sleeper", scene="panic")
    assert "error" in await process.do(do="console", where="vm")


async def test_clocks_and_links_are_set_by_the_control_socket_and_start_anew(
    process: Process,
) -> None:
    await process.start()
    into = process.site["guests"]["vm"]
    async with await asyncssh.connect(
        into["address"],
        into["ssh"]["port"],
        username=into["ssh"]["user"],
        client_keys=[into["ssh"]["key_file"]],
        known_hosts=into["ssh"]["known_hosts"],
        config=[],
        agent_path=None,
    ) as vm:
        loop = asyncio.get_running_loop()
        assert await process.do(do="clock", where="vm", step=5000) == {"ok": True}
        assert await process.do(do="link", where="vm", delay=0.4) == {"ok": True}
        began = loop.time()
        shown = await vm.run("date +%s.%N", timeout=20)
        assert loop.time() - began >= 0.4
    assert float(str(shown.stdout)) == pytest.approx(time.time() + 5000, abs=60)
    assert "error" in await process.do(do="clock", where="nobody", step=1)
    assert "error" in await process.do(do="link", where="vm", delay=-1)
    assert await process.stop() == 0

    await process.start()

    assert abs((await process.do(do="world"))["clocks"]["vm"]) < 1


async def test_a_killed_host_takes_its_scripts_with_it_and_comes_back_empty(
    process: Process,
) -> None:
    await process.start()
    async with await process.ssh("fy") as fy:
        await fy.run("setsid sh -c 'sleep 300; echo late > late' >/dev/null 2>&1 &", timeout=20)
    async with await process.ssh("fy") as fy:
        shown = await fy.run("ps -ww -eo pid=,ppid=,args=", timeout=20)
        assert "sleep 300" in str(shown.stdout)

    await process.do(do="fault", name="kill-host", where="fy")

    with pytest.raises((ConnectionRefusedError, asyncssh.Error)):
        await process.ssh("fy")
    await process.do(do="fault", name="revive", where="fy")
    assert await process.names("fy") == set()
    async with await process.ssh("fy") as fy:
        shown = await fy.run("ps -ww -eo pid=,ppid=,args=", timeout=20)
        assert "sleep 300" not in str(shown.stdout)


async def test_a_guest_falls_silent_while_it_is_suspended(process: Process) -> None:
    await process.start("--seconds-a-migration", "3")
    port = process.site["guests"]["vm"]["port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    beats: list[float] = []

    async def listen() -> None:
        while line := await reader.readline():
            assert line.startswith(b"vm ")
            beats.append(loop.time())

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        listening = group.create_task(listen())
        async with await process.ssh("fy") as fy:
            await fy.run("sudo xl migrate vm fz", timeout=20)
        writer.close()
        listening.cancel()

    gaps = [later - sooner for sooner, later in itertools.pairwise(beats)]
    assert len(beats) > 5
    # suspended for 0.45 s, and a heartbeat is due each 0.25 s
    assert max(gaps) > 0.4


def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A parent is killed in a way that it cannot clean up after."""
    said = tmp_path / "state" / "site.json"
    parent = (
        "import pathlib, signal, subprocess, sys\n"
        "site = subprocess.Popen([sys.executable, '-m', 'bot.lab', '--state', sys.argv[1]])\n"
        "while not pathlib.Path(sys.argv[1], 'site.json').exists() and site.poll() is None:\n"
        "    signal.sigtimedwait([], 0.02)\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    words = [sys.executable, "-c", parent, str(said.parent)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"ready\n"
        watched = os.pidfd_open(int(json.loads(said.read_text())["pid"]))

        started.send_signal(signal.SIGKILL)

        ended, _, _ = select.select([watched], [], [], 30)
        os.close(watched)
    assert ended
    assert not said.exists()


def test_a_long_state_folder_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    place = Place(tmp_path / ("long" * 30))

    assert len(str(place.control).encode()) < 108
    assert place.control.parent.is_dir()

    place.clear()
    assert not place.control.parent.is_dir()
