"""`nounou demo` as a person runs it: whole processes, the real site and the real bot."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.demo.test_endings import eventually, processes
from tests.e2e.played import Demo, play

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

#: a script that says in few lines what a script can say
SCRIPT = """
# who may do what
hello
!ping
@apprenti !domu list
@apprenti !migrate vm fz
@stranger !ping
&!migrate vm fz
!migrate vm fz
wait
!domu show vm
"""


def check_the_script(code: int, transcript: list[str]) -> None:
    """What `SCRIPT` says in any room."""
    text = "\n".join(transcript)
    assert code == 1
    assert all(re.match(r"(nounou|apprenti|stranger|bot): ?", line) for line in transcript)
    assert transcript[:3] == ["nounou: hello", "nounou: !ping", "bot: pong"]
    assert "bot: ✘ You may not run migrate: it needs the right domu.migrate." in transcript
    assert re.search(
        r"bot: record #\d+ [0-9a-f]{12} · job \d+ · apprenti: !migrate vm fz → denied", text
    )
    place = transcript.index
    moved = place("bot: ✔ vm runs on fz, and only there.")
    assert place("stranger: !ping") < place("nounou: !migrate vm fz") < moved
    assert transcript.count("nounou: !migrate vm fz") == 2
    assert moved < place("nounou: !domu show vm") < place("bot: vm is on fz: running.")


def test_a_script_plays_without_a_homeserver(folder: Path) -> None:
    code, transcript, _said = play(folder, "--terminal", script=SCRIPT)

    check_the_script(code, transcript)


@pytest.mark.parametrize("options", [[], ["--plain"]], ids=["encrypted", "plain"])
def test_the_same_script_plays_on_a_real_homeserver(folder: Path, options: list[str]) -> None:
    code, transcript, _said = play(folder, *options, script=SCRIPT)

    check_the_script(code, transcript)


def test_a_pipe_is_a_script(folder: Path) -> None:
    code, transcript, _said = Demo(folder, "--terminal", script="!ping\n").end()

    assert (code, transcript[:2]) == (0, ["nounou: !ping", "bot: pong"])
    [head] = transcript[2:]
    assert re.match(r"bot: record head #\d+ [0-9a-f]{64} · ", head)


def test_scripts_run_beside_one_another(folder: Path) -> None:
    demos = [Demo(folder, "--terminal", script="!ping\n!domu list fz\n") for _ in range(2)]

    first, second = (demo.end() for demo in demos)

    assert first[0] == second[0] == 0
    # the record's head is said last, and is another one in each
    assert len(first[1]) > 3
    assert first[1][:-1] == second[1][:-1]


def test_a_policy_is_tried(folder: Path) -> None:
    policy = folder / "policy.yaml"
    policy.write_text(
        "members:\n"
        "  anna: {ids: ['@anna:example.org'], roles: [keeper]}\n"
        "  otto: {ids: ['@otto:example.org']}\n"
        "roles:\n"
        "  keeper: {allow: ['domu.*', 'bot.ping'], deny: ['domu.* on zamok']}\n"
    )

    code, transcript, _said = play(
        folder,
        "--terminal",
        "--policy",
        str(policy),
        script="@anna !ping\n@anna !domu show vm\n@anna !domu show zamok\n@otto !ping\n",
    )

    assert code == 1
    assert transcript[:3] == ["anna: !ping", "bot: pong", "anna: !domu show vm"]
    assert "bot: vm is on fy: running." in transcript
    assert not any(line.startswith("bot: zamok is") for line in transcript)
    assert "bot: ✘ You may not run ping: it needs the right bot.ping." in transcript


def test_a_fault_makes_a_migration_fail(folder: Path) -> None:
    code, transcript, _said = play(
        folder, "--terminal", "--fault", "out-of-memory:fz", script="!migrate vm fz\n"
    )

    assert code == 1
    assert any(line.startswith("bot: ✘") for line in transcript)


def test_a_bad_line_starts_nothing(folder: Path) -> None:
    code, transcript, said = play(folder, "--terminal", script="!ping\n@nobody !ping\n")

    assert (code, transcript) == (2, [])
    assert "line 2: nobody here is called nobody" in said


def test_with_no_terminal_to_type_at_it_starts_twice_and_says_so(folder: Path) -> None:
    for _ in range(2):
        code, transcript, said = Demo(folder).end()

        assert (code, transcript) == (0, []), said
        assert "everything runs and the bot answers" in said
        assert "the room #nounou:localhost at http://127.0.0.1:" in said
        # the second start is long after the first, and yet what is said then is not what was missed
        with closing(sqlite3.connect(folder / "matrix" / "nounou.sqlite3")) as store, store:
            assert store.execute("update meta set value = '0.0' where key = 'heard'").rowcount


def test_a_real_homeserver_dies_with_its_demonstration(folder: Path) -> None:
    (folder / "script").write_text("!ping\nsleep 600\n")
    demo = Demo(folder, "--script", str(folder / "script"))
    # the demonstration, the site, the homeserver and the bot
    eventually(lambda: len(processes(folder)) == 4, lambda: str(processes(folder)))

    demo.process.send_signal(signal.SIGKILL)
    demo.end()

    eventually(lambda: not processes(folder), lambda: f"the end of {processes(folder)}")


def test_a_bot_that_is_killed_goes_on_in_the_encrypted_room(folder: Path) -> None:
    (folder / "script").write_text("!ping\n!migrate vm fz\n@apprenti !ping\n")
    demo = Demo(folder, "--script", str(folder / "script"))
    assert demo.process.stderr is not None
    lines = iter(demo.process.stderr.readline, "")
    bot = next(found for line in lines if (found := re.search(r"\(process (\d+)\)", line)))

    def has_begun() -> bool:
        return any("Connected to" in log.read_text() for log in folder.glob("*/logs/bot.log"))

    eventually(has_begun, lambda: "the first connection to a host")
    os.kill(int(bot[1]), signal.SIGKILL)
    code, transcript, said = demo.end()

    assert (code, transcript.count("bot: pong")) == (0, 2), said
    assert "the bot had ended (killed by signal 9) and is started again" in said
    assert len([line for line in transcript if line.endswith("→ succeeded")]) == 1
