"""The lab's chronyc, ntpq, timedatectl, systemctl, date and grep print what the real ones print.

The recordings are of Debian 12 (tests/data/clocks); numbers differ, every other byte does not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.devices.session import Output
from bot.lab.clocks import shell
from bot.lab.clocks.chronyc import chronyc
from bot.lab.clocks.ntpq import ntpq, wrapped
from bot.lab.clocks.systemd import timedatectl
from tests.lab.clockwork import Kept, Scene, on_stage

RECORDED = Path("tests/data/clocks")
CHRONYC = ("chronyc", "-n", "-c")


def recorded(name: str) -> Output:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return Output(found["stdout"], found["stderr"], found["exit"])


def form(text: str) -> str:
    """*text* without its values: digits behind a point stay as many as they are."""
    text = re.sub(r"^[0-9A-F]{8},", "REFID,", text)
    text = re.sub(r"\d+(?:\.\d+){3}|[0-9a-f:]*::[0-9a-f]+", "IP", text)
    return re.sub(r"-?\d+(\.\d+)?", lambda found: "9" + re.sub(r"\d", "9", found[1] or ""), text)


async def chrony_says(it: Kept, *words: str, root: bool = False) -> Output:
    return await chronyc(it.service, words, root=root)


async def test_chrony_that_is_synchronised() -> None:
    it = Kept()
    tracking, sources = recorded("chrony-4.3-good-tracking"), recorded("chrony-4.3-good-sources")

    assert form((await chrony_says(it, *CHRONYC[1:], "tracking")).stdout) == form(tracking.stdout)
    assert form((await chrony_says(it, *CHRONYC[1:], "sources")).stdout) == form(sources.stdout)


async def test_chrony_with_one_server_that_lies() -> None:
    it = Kept()
    it.servers[2].offset = 0.5
    it.after(100.0)
    sources = recorded("chrony-4.3-wrong-sources")

    assert form((await chrony_says(it, *CHRONYC[1:], "sources")).stdout) == form(sources.stdout)


async def test_chrony_with_two_servers_that_disagree() -> None:
    it = Kept(servers=2)
    it.servers[0].offset = -0.5
    it.after(100.0)
    tracking, sources = recorded("chrony-4.3-two-tracking"), recorded("chrony-4.3-two-sources")

    assert form((await chrony_says(it, *CHRONYC[1:], "tracking")).stdout) == form(tracking.stdout)
    assert form((await chrony_says(it, *CHRONYC[1:], "sources")).stdout) == form(sources.stdout)


async def test_chrony_that_hears_nobody_from_its_start() -> None:
    it = Kept(servers=2)
    for server in it.servers:
        server.answers = False
    it.service.start()
    it.after(100.0)
    tracking, sources = recorded("chrony-4.3-alone-tracking"), recorded("chrony-4.3-alone-sources")

    assert (await chrony_says(it, *CHRONYC[1:], "tracking")).stdout == tracking.stdout
    assert form((await chrony_says(it, *CHRONYC[1:], "sources")).stdout) == form(sources.stdout)


async def test_chrony_whose_servers_fell_silent_forgets_them_one_question_at_a_time() -> None:
    it = Kept()
    for server in it.servers:
        server.answers = False
    rows = []
    for _question in range(9):
        it.after(64.0)
        rows.append((await chrony_says(it, "-n", "-c", "sources")).stdout.splitlines()[0])

    assert [row.split(",")[1] for row in rows] == ["*"] * 7 + ["?"] * 2
    reach = [row.split(",")[5] for row in rows]
    assert reach == ["376", "374", "370", "360", "340", "300", "200", "0", "0"]
    # seen of the real one: it goes on naming the source that it followed
    assert ",Normal" in (await chrony_says(it, "-n", "-c", "tracking")).stdout


async def test_the_sign_of_chrony_is_that_of_the_real_one() -> None:
    for ahead, name in ((0.25, "fast"), (-0.25, "slow")):
        it = Kept()
        it.piece.step(ahead)
        it.service.burst()
        recording = recorded(f"chrony-4.3-{name}-tracking").stdout.split(",")

        said = (await chrony_says(it, "-n", "-c", "tracking")).stdout.split(",")

        assert float(said[4]) == pytest.approx(float(recording[4]), abs=0.001)


@pytest.mark.parametrize("command", ["tracking", "sources", "burst", "makestep"])
async def test_chronyc_without_its_daemon(command: str) -> None:
    it = Kept()
    it.service.alive = False
    words = (command, "4/4") if command == "burst" else (command,)

    said = await chrony_says(it, "-n", "-c", *words, root=True)

    assert said == recorded(f"chrony-4.3-dead-{command}")


async def test_chronyc_obeys_root_alone() -> None:
    it = Kept()

    assert await chrony_says(it, "burst", "4/4") == recorded("chrony-4.3-burst-unprivileged")
    assert await chrony_says(it, "makestep") == recorded("chrony-4.3-makestep-unprivileged")
    assert await chrony_says(it, "burst", "4/4", root=True) == recorded("chrony-4.3-burst")


def peers(output: Output) -> list[str]:
    lines = output.stdout.splitlines()
    return lines


#: ntp.util.PeerSummary of ntpsec 1.2.2
ROW = re.compile(r"[ x.+#*o-].{15} .{15} [ \d]\d u .{4} .{4}  [ 0-7]{3} .{8} .{8} .{8}")


@pytest.mark.parametrize("name", ["good", "wrong", "two", "alone", "off", "waking"])
def test_the_columns_of_ntpq_are_those_that_were_recorded(name: str) -> None:
    it = Kept("ntpd")
    it.piece.step(1.5)
    it.servers[1].answers = False
    it.after(64.0)
    ours, real = peers(ntpq(it.service, ("-pn",))), peers(recorded(f"ntpsec-1.2-{name}-peers"))

    assert ours[:2] == real[:2]
    assert all(ROW.fullmatch(row) for row in (*ours[2:], *real[2:]))


def test_what_ntpd_thinks_of_its_servers() -> None:
    it = Kept("ntpd")
    it.servers[2].offset = 0.5
    it.after(64.0)
    assert [row[0] for row in peers(ntpq(it.service, ("-pn",)))[2:]] == ["*", "+", "x"]
    # as the real one: what the server is ahead by, in milliseconds
    assert peers(ntpq(it.service, ("-pn",)))[4].split()[8] == "500.0000"

    for server in it.servers:
        server.answers = False
    it.after(8 * 64.0)
    assert [row[0] for row in peers(ntpq(it.service, ("-pn",)))[2:]] == [" ", " ", " "]


def variables(text: str) -> list[str]:
    """The names and values of `rv`."""
    body = text.split("\n", 1)[1].replace("\n", " ").strip()
    return [pair.strip() for pair in body.split(", ")]


@pytest.mark.parametrize("name", ["good", "wrong", "two", "alone", "off", "waking"])
def test_the_variables_of_ntpq_are_broken_into_lines_as_recorded(name: str) -> None:
    real = recorded(f"ntpsec-1.2-{name}-rv").stdout

    assert real.split("\n", 1)[1] == wrapped(variables(real)) + "\n"


def test_the_variables_of_ntpd_are_those_that_were_recorded() -> None:
    it = Kept("ntpd")
    real = variables(recorded("ntpsec-1.2-good-rv").stdout)

    ours = variables(ntpq(it.service, ("-c", "rv")).stdout)

    assert [pair.split("=")[0] for pair in ours] == [pair.split("=")[0] for pair in real]
    it.service.start()
    waking = recorded("ntpsec-1.2-waking-rv").stdout
    assert ntpq(it.service, ("-c", "rv")).stdout.split("\n")[0] == waking.split("\n")[0]


def test_ntpq_without_its_daemon() -> None:
    it = Kept("ntpd")
    it.service.alive = False

    assert ntpq(it.service, ("-pn",)) == recorded("ntpsec-1.2-dead-peers")
    assert ntpq(it.service, ("-c", "rv")) == recorded("ntpsec-1.2-dead-rv")


@pytest.mark.parametrize(("answers", "name"), [(True, "good"), (False, "alone")])
def test_timesyncd_says_what_was_recorded(answers: bool, name: str) -> None:
    it = Kept("timesyncd")
    if not answers:
        it.servers[0].answers = it.servers[1].answers = it.servers[2].answers = False
        it.service.start()
        it.after(64.0)

    ours = timedatectl(it.piece, ("show-timesync", "--all")).stdout.splitlines()
    real = recorded(f"timesyncd-252-{name}").stdout.splitlines()

    assert [line.split("=")[0] for line in ours] == [line.split("=")[0] for line in real]
    messages = [re.findall(r"(\w+)=", " ".join(lines)) for lines in (ours, real)]
    assert messages[0] == messages[1]


def test_every_command_is_answered_on_hosts_and_in_guests() -> None:
    async def play(scene: Scene) -> None:
        for name in ("fy", "vm"):
            stopped = await scene.ask(name, "sudo", "-n", "systemctl", "stop", "chrony")
            assert stopped == Output("")
            dead = await scene.ask(name, "chronyc", "-n", "-c", "tracking")
            assert dead == recorded("chrony-4.3-dead-tracking")
            assert (await scene.ask(name, "systemctl", "is-active", "chrony")).exit == 3
            await scene.ask(name, "sudo", "-n", "systemctl", "restart", "chrony")
            waited = await scene.ask(name, "chronyc", "waitsync", "20", "0.05", "0", "1")
            assert waited.exit == 0
            assert waited.stdout.count("try: ") == 7
            assert (await scene.ask(name, "systemctl", "is-active", "chrony")).stdout == "active\n"
            assert (await scene.ask(name, "ntpq", "-pn")).exit == 127

    on_stage(play)


def test_waitsync_gives_up_after_its_tries() -> None:
    async def play(scene: Scene) -> None:
        scene.world.timepieces["vm"].step(0.9)
        await scene.ask("vm", "sudo", "-n", "chronyc", "burst", "4/4")

        waited = await scene.ask("vm", "chronyc", "waitsync", "3", "0.05", "0", "1")

        assert waited.exit == 1
        assert re.fullmatch(
            r"(try: \d, refid: 0A4D0001, correction: 0\.\d{9}, skew: \d\.\d{3}\n){3}", waited.stdout
        )

    on_stage(play)


def test_systemctl_shows_the_units_of_a_machine() -> None:
    async def play(scene: Scene) -> None:
        asked = ("systemctl", "show", "-p", "LoadState", "-p", "ActiveState")
        assert (await scene.ask("fy", *asked, "chrony", "ntpsec")).stdout == (
            "LoadState=loaded\nActiveState=active\n\nLoadState=not-found\nActiveState=inactive\n"
        )
        refused = await scene.ask("fy", "systemctl", "restart", "chrony")
        assert "Interactive authentication required" in refused.stderr
        unknown = await scene.ask("fy", "sudo", "-n", "systemctl", "restart", "ntpsec")
        assert unknown.exit == 5

    on_stage(play)


def test_root_alone_sets_the_date() -> None:
    async def play(scene: Scene) -> None:
        now = float((await scene.ask("vm", "date", "+%s.%N")).stdout)
        refused = await scene.ask("vm", "date", "-s", f"@{now + 100:.3f}")
        assert refused.exit == 1
        assert "Operation not permitted" in refused.stderr
        assert abs(scene.ahead("vm")) < 0.1

        wrong = await scene.ask("vm", "sudo", "-n", "date", "-s", "@" + "9" * 40)
        assert "invalid date" in wrong.stderr

        await scene.ask("vm", "sudo", "-n", "date", "-s", f"@{now + 100:.3f}")
        assert scene.ahead("vm") == pytest.approx(100.0, abs=0.1)

    on_stage(play)


def test_grep_shows_what_the_kernel_takes_its_time_from() -> None:
    async def play(scene: Scene) -> None:
        files = (shell.CLOCKSOURCE, shell.INDEPENDENT)
        for name in ("fy", "vm"):
            piece = scene.world.timepieces[name]
            said = await scene.ask(name, "grep", "-H", "", *files)
            assert said == Output(
                f"{files[0]}:xen\n", f"grep: {files[1]}: No such file or directory\n", 2
            )
            piece.clocksource, piece.independent = "jiffies", False
            said = await scene.ask(name, "grep", "-H", "", *files)
            assert said == Output(f"{files[0]}:jiffies\n{files[1]}:0\n")

    on_stage(play)


def test_a_lie_is_told_to_who_asks_for_the_date() -> None:
    async def play(scene: Scene) -> None:
        scene.world.timepieces["vm"].stray(100.0)
        times = [float((await scene.ask("vm", "date", "+%s.%N")).stdout) for _time in range(2)]
        assert times[0] - times[1] == pytest.approx(100.0, abs=0.1)

    on_stage(play)
