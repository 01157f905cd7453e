"""The scripts that start, follow and bar a long command, run for real with dash and bash."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.detached import HostLauncher, bar, detach, look
from bot.devices.host import Detached, Phase
from bot.devices.session import Output
from bot.errors import DeviceError, OutcomeUnknown, Refused
from tests.devices.scripted import complaint
from tests.devices.shell import PATIENCE, Gate, Shell

PLACE = ".nounou/jobs/job-7-1"


def wait_until_let_go(shell: Shell, place: str = PLACE) -> None:
    """Wait until nobody holds the lock of the command any more."""
    lock = shell.home / place / "lock"
    subprocess.run(["flock", "-w", str(PATIENCE), lock, "true"], check=True)


def test_a_command_runs_and_its_output_and_exit_code_are_kept(shell: Shell) -> None:
    words = ("sh", "-c", "echo out; echo err >&2; exit 3")

    shell.ask(detach(PLACE, words))
    wait_until_let_go(shell)

    assert shell.ask(look(PLACE)) == Detached(Phase.ENDED, 3, "out\n", "err\n")


def test_what_was_never_started_is_absent(shell: Shell) -> None:
    assert shell.ask(look(PLACE)) == Detached(Phase.ABSENT)


def test_a_command_that_goes_on_is_running_and_its_output_can_be_read(
    shell: Shell, tmp_path: Path
) -> None:
    heard, gate = Gate(tmp_path / "heard"), Gate(tmp_path / "gate")

    shell.ask(detach(PLACE, ("sh", "-c", f"echo half; echo x >{heard.path}; read x <{gate.path}")))
    heard.hear()

    assert shell.ask(look(PLACE)) == Detached(Phase.RUNNING, None, "half\n", "")
    gate.open()
    wait_until_let_go(shell)
    assert shell.ask(look(PLACE)).phase is Phase.ENDED


def test_of_twenty_starts_at_once_exactly_one_starts(shell: Shell) -> None:
    call = detach(PLACE, ("sh", "-c", 'echo started >>"$PWD/count"'))

    with ThreadPoolExecutor(20) as pool:
        outputs = list(pool.map(lambda _: shell.finish(shell.start(call)), range(20)))
    wait_until_let_go(shell)

    assert sorted(output.exit for output in outputs) == [0] + [17] * 19
    assert (shell.home / "count").read_text() == "started\n"
    assert [path.name for path in (shell.home / ".nounou/jobs").iterdir()] == ["job-7-1"]


def test_a_second_start_is_refused_long_after_the_first(shell: Shell) -> None:
    shell.ask(detach(PLACE, ("true",)))
    wait_until_let_go(shell)

    with pytest.raises(Refused):
        shell.ask(detach(PLACE, ("true",)))


def test_it_survives_the_death_of_whatever_started_it(shell: Shell, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    starter = shell.start(detach(PLACE, ("sh", "-c", f"read x <{gate.path}; exit 5")))
    assert starter.stdout is not None
    assert starter.stdout.readline() == "started\n"

    with contextlib.suppress(ProcessLookupError):
        os.killpg(starter.pid, signal.SIGKILL)
    shell.finish(starter)
    gate.open()
    wait_until_let_go(shell)

    assert shell.ask(look(PLACE)).exit == 5


def test_a_command_that_was_killed_with_its_shell_has_vanished(
    shell: Shell, tmp_path: Path
) -> None:
    heard, gate = Gate(tmp_path / "heard"), Gate(tmp_path / "gate")
    waits = f"echo $PPID $$ >{heard.path}; exec cat {gate.path}"
    shell.ask(detach(PLACE, ("sh", "-c", waits)))
    waiting_shell, command = (int(pid) for pid in heard.hear().split())

    os.kill(waiting_shell, signal.SIGKILL)
    without_shell = shell.ask(look(PLACE))
    os.kill(command, signal.SIGKILL)
    wait_until_let_go(shell)

    assert without_shell.phase is Phase.RUNNING
    assert shell.ask(look(PLACE)) == Detached(Phase.VANISHED)


def test_a_killed_command_has_the_exit_code_of_its_signal(shell: Shell) -> None:
    shell.ask(detach(PLACE, ("sh", "-c", "kill -9 $$")))
    wait_until_let_go(shell)

    assert shell.ask(look(PLACE)).exit == 128 + signal.SIGKILL


def test_a_barred_place_starts_nothing(shell: Shell) -> None:
    assert shell.ask(bar(PLACE)) == Detached(Phase.BARRED)

    with pytest.raises(Refused):
        shell.ask(detach(PLACE, ("true",)))
    assert shell.ask(look(PLACE)) == Detached(Phase.BARRED)
    assert shell.ask(bar(PLACE)) == Detached(Phase.BARRED)


def test_barring_what_was_started_changes_nothing(shell: Shell) -> None:
    shell.ask(detach(PLACE, ("echo", "done")))
    wait_until_let_go(shell)

    assert shell.ask(bar(PLACE)) == Detached(Phase.ENDED, 0, "done\n", "")


def test_when_starts_and_bars_race_exactly_one_wins(shell: Shell) -> None:
    for turn in range(4):
        place = f".nounou/jobs/job-{turn}"
        calls = [detach(place, ("sh", "-c", f'echo >>"$PWD/count-{turn}"')), bar(place)] * 4
        with ThreadPoolExecutor(8) as pool:
            outputs = list(pool.map(lambda call: shell.finish(shell.start(call)), calls))
        started = [output for output in outputs[::2] if output.exit == 0]
        first_lines = {output.stdout.split()[0] for output in outputs[1::2]}

        assert len(started) <= 1
        assert first_lines <= ({"running", "ended"} if started else {"barred"})
        if started:
            wait_until_let_go(shell, place)
        assert (shell.home / f"count-{turn}").exists() == bool(started)


def test_nobody_who_looks_while_it_starts_believes_that_it_died(
    shell: Shell, tmp_path: Path
) -> None:
    """Half-made places would look like a command that ended without an exit code."""
    gate = Gate(tmp_path / "gate")
    call = detach(PLACE, ("sh", "-c", f"read x <{gate.path}"))

    with ThreadPoolExecutor(8) as pool:
        looks = [pool.submit(shell.ask, look(PLACE)) for _ in range(8)]
        shell.ask(call)
        phases = {one.result().phase for one in looks}
    gate.open()
    wait_until_let_go(shell)

    assert phases <= {Phase.ABSENT, Phase.RUNNING}


def test_only_the_end_of_a_long_output_is_read(shell: Shell) -> None:
    shell.ask(detach(PLACE, ("sh", "-c", "head -c 200000 /dev/zero | tr '\\0' a; echo end")))
    wait_until_let_go(shell)

    seen = shell.ask(look(PLACE))

    assert len(seen.stdout) == 65536
    assert seen.stdout.endswith("a\nend\n".removeprefix("a\n"))


def test_words_stay_words(shell: Shell) -> None:
    odd = ("a b", "$(touch x)", ";", "'", '"', "\n", "*", "-rf", "")

    shell.ask(detach(PLACE, ("printf", "<%s>", *odd)))
    wait_until_let_go(shell)

    assert shell.ask(look(PLACE)).stdout == "".join(f"<{word}>" for word in odd)
    assert not (shell.home / "x").exists()


def test_the_place_is_for_the_bot_alone(shell: Shell) -> None:
    shell.ask(detach(PLACE, ("true",)))

    for path in (shell.home / ".nounou", shell.home / PLACE):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_place_that_cannot_be_made_is_an_error_and_starts_nothing(shell: Shell) -> None:
    (shell.home / ".nounou").write_text("a file where the folder should be")

    with pytest.raises(DeviceError):
        shell.ask(detach(PLACE, ("touch", "ran")))
    with pytest.raises(DeviceError):
        shell.ask(bar(PLACE))
    assert not (shell.home / "ran").exists()


async def test_the_launcher_keeps_its_places_in_one_folder(shell: Shell) -> None:
    launcher = HostLauncher(shell, ".nounou/jobs")

    await launcher.start("job-7-1", ("true",))
    wait_until_let_go(shell)

    assert (await launcher.look("job-7-1")).exit == 0
    assert (await launcher.bar("job-7-2")).phase is Phase.BARRED
    for name in ("../x", "", "-rf", "a/b", "a" * 200):
        with pytest.raises(DeviceError):
            await launcher.start(name, ("true",))


def test_a_starter_that_says_nothing_leaves_the_outcome_open() -> None:
    call = detach(PLACE, ("true",))

    for output in (Output("", "", 255), Output("", "", 0), Output("", "Killed", 137)):
        with pytest.raises(OutcomeUnknown):
            call.parse(output)
    with pytest.raises(DeviceError):
        call.parse(Output("", "", 73))


@given(st.text(), st.integers(0, 255))
def test_no_text_breaks_the_parser(text: str, code: int) -> None:
    for stdout in (text, f"ended {text}", f"running\n{text}"):
        complaint(look(PLACE).parse, Output(stdout, text, code))
