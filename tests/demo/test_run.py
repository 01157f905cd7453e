"""Whole runs of the demonstration, with a small bot and a small site in place of the real ones."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.demo.folder import Folder
from bot.demo.run import Options, run
from bot.errors import BotError, ConfigError, Refused, UsageError

HERE = Path(__file__).parent
PROGRAMS = (
    (sys.executable, str(HERE / "fake_site.py")),
    (sys.executable, str(HERE / "fake_bot.py")),
)


class Stage:
    """Plays scripts on a stage of their own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture
        self.options = Options(terminal=True, timeout=60, state=folder / "state", programs=PROGRAMS)
        self.said = ""

    def play(self, *lines: str, **options: object) -> tuple[int, list[str]]:
        """The exit code and the transcript."""
        script = self.folder / "script"
        script.write_text("\n".join(lines), "utf-8")
        code = run(replace(self.options, script=str(script), **options))  # type: ignore[arg-type]
        out, self.said = self._capture.readouterr()
        return code, out.splitlines()


@pytest.fixture
def stage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Stage:
    return Stage(tmp_path, capfd)


def test_a_script_that_succeeds_prints_what_was_said_and_ends_with_0(stage: Stage) -> None:
    assert stage.play("hello", "!ping", "@apprenti !ping") == (
        0,
        ["nounou: hello", "nounou: !ping", "bot: pong", "apprenti: !ping", "bot: pong"],
    )


def test_edits_are_folded_into_their_last_state(stage: Stage) -> None:
    assert stage.play("!slow") == (0, ["nounou: !slow", "bot: 1 of 2", "bot: 2 of 2"])


def test_a_command_that_fails_ends_the_script_with_1(stage: Stage) -> None:
    assert stage.play("!fail", "!ping") == (
        1,
        ["nounou: !fail", "bot: no", "nounou: !ping", "bot: pong"],
    )


def test_a_command_that_waits_lets_the_next_line_be_sent(stage: Stage) -> None:
    assert stage.play("!lock", "!ask", "!free") == (
        0,
        [
            "nounou: !lock",
            "bot: waiting for job 1",
            "nounou: !ask",
            "bot: who approves?",
            "nounou: !free",
            "bot: got it",
            "bot: got it",
            "bot: freed",
        ],
    )


def test_a_command_that_still_waits_for_a_person_at_the_end_did_not_succeed(stage: Stage) -> None:
    code, transcript = stage.play("!ask", "wait")

    assert (code, transcript[-1]) == (1, "bot: who approves?")


def test_a_stranger_is_not_answered_and_did_not_succeed(stage: Stage) -> None:
    assert stage.play("@stranger !ping", "!ping") == (
        1,
        ["stranger: !ping", "nounou: !ping", "bot: pong"],
    )


def test_a_stranger_who_chats_spoils_nothing(stage: Stage) -> None:
    assert stage.play("@stranger hello") == (0, ["stranger: hello"])


def test_a_line_with_an_ampersand_is_waited_for_at_the_end_alone(stage: Stage) -> None:
    code, transcript = stage.play("&!lock", "&@nounou2 !free", "wait")

    assert code == 0
    assert transcript[-1] == "bot: freed"


def test_what_is_unanswered_when_time_is_up_is_said(stage: Stage) -> None:
    code, transcript = stage.play("!ping", "!hang", "!ping", timeout=0.5)

    assert (code, transcript) == (1, ["nounou: !ping", "bot: pong", "nounou: !hang"])
    assert "line 2, nounou: !hang (no answer)" in stage.said


def test_a_lock_that_is_never_given_is_unanswered_at_the_end(stage: Stage) -> None:
    code, _transcript = stage.play("!lock", timeout=0.5)

    assert code == 1
    assert "line 1, nounou: !lock (awaiting locks)" in stage.said


def test_the_newest_code_that_no_line_has_used_goes_into_a_line(stage: Stage) -> None:
    code, transcript = stage.play(
        "!destroy", "!destroy", "@nounou2 !approve {code}", "@nounou2 !approve {code}"
    )

    asked = [line for line in transcript if line.startswith("nounou2: ")]
    assert (code, asked) == (0, ["nounou2: !approve C0DE2", "nounou2: !approve C0DE1"])


def test_a_line_with_a_code_waits_until_there_is_one(stage: Stage) -> None:
    code, transcript = stage.play("& !slow", "& !destroy", "& @nounou2 !approve {code}")

    assert (code, transcript[-1]) == (0, "bot: destroyed")


def test_a_script_does_not_end_before_what_was_freed(stage: Stage) -> None:
    """Though the freed command's own message says until then that it waits."""
    code, transcript = stage.play("!destroy", "@nounou2 !approve {code}")

    assert (code, transcript[-1]) == (0, "bot: destroyed")


def test_a_line_that_frees_a_command_is_over_once_that_has_ended(stage: Stage) -> None:
    _code, transcript = stage.play("!destroy", "@nounou2 !approve {code}", "!ping")

    assert transcript.index("bot: destroyed") < transcript.index("nounou: !ping")


def test_a_line_whose_code_never_comes_is_named_when_time_is_up(stage: Stage) -> None:
    code, transcript = stage.play("!destroy", "!approve {code}", "!approve {code}", timeout=2)

    assert (code, transcript[-1]) == (1, "bot: destroyed")
    assert "line 3, nounou: !approve {code} (not sent: no code was shown)" in stage.said


def test_a_line_that_got_its_code_is_not_named_when_time_is_up_later(stage: Stage) -> None:
    code, _transcript = stage.play("!destroy", "!approve {code}", "!hang", timeout=2)

    assert code == 1
    assert "line 3, nounou: !hang (no answer)" in stage.said
    assert "not sent" not in stage.said


def test_a_bot_that_dies_is_started_again_and_the_script_goes_on(stage: Stage) -> None:
    assert stage.play("!die", "!ping") == (
        0,
        ["nounou: !die", "bot: I am back", "nounou: !ping", "bot: pong"],
    )
    assert "the bot had ended (killed by signal 9) and is started again" in stage.said


def test_nothing_of_a_script_is_left(stage: Stage) -> None:
    stage.play("!ping")

    assert list((stage.folder / "state").iterdir()) == []


def test_a_bad_line_is_refused_before_anything_starts(stage: Stage) -> None:
    with pytest.raises(UsageError, match="line 2"):
        stage.play("!ping", "@nobody !ping")

    assert not (stage.folder / "state").exists()


def test_a_script_that_is_no_text_is_refused_with_its_line(stage: Stage) -> None:
    script = stage.folder / "bytes"
    script.write_bytes(b"!ping\n!p\xffng\n")

    with pytest.raises(UsageError, match="line 2"):
        run(replace(stage.options, script=str(script)))


def test_a_script_that_is_not_there_is_refused(stage: Stage) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        run(replace(stage.options, script=str(stage.folder / "nothing")))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_that_is_no_time_is_refused(stage: Stage, seconds: float) -> None:
    with pytest.raises(UsageError, match="--timeout"):
        stage.play("!ping", timeout=seconds)


def test_a_pipe_is_read_to_its_end_as_a_script(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"!ping\n")))

    assert run(stage.options) == 0


def test_a_policy_names_who_may_speak(stage: Stage) -> None:
    policy = stage.folder / "policy.yaml"
    policy.write_text(
        "members: {Alice: {ids: ['@a:example.org'], roles: [all]}}\nroles: {all: {allow: ['*']}}\n"
    )

    assert stage.play("@Alice !ping", "@stranger hi", policy=policy) == (
        0,
        ["alice: !ping", "bot: pong", "stranger: hi"],
    )


def test_a_policy_that_is_wrong_is_refused(stage: Stage) -> None:
    policy = stage.folder / "policy.yaml"
    policy.write_text("members: {a: {ids: ['@a:b'], roles: [ghost]}}\nroles: {}\n")

    with pytest.raises(ConfigError, match="ghost"):
        stage.play("@a !ping", policy=policy)


def test_a_bot_that_cannot_start_is_reported_with_its_last_words(stage: Stage) -> None:
    broken = (PROGRAMS[0], (sys.executable, "-c", "raise SystemExit('no store')"))

    with pytest.raises(BotError, match="the bot does not start: exit code 1") as caught:
        stage.play("!ping", programs=broken)

    assert "no store" in caught.value.hint


def test_a_site_that_refuses_a_fault_is_reported(stage: Stage) -> None:
    with pytest.raises(BotError, match="the site does not start") as caught:
        stage.play("!ping", faults=("sunshine",))

    assert "sunshine" in caught.value.hint


def test_a_site_that_ends_ends_the_demonstration(stage: Stage) -> None:
    with pytest.raises(BotError, match="the site has ended"):
        stage.play("!hang", faults=("die",))


def test_two_demonstrations_do_not_share_a_folder(stage: Stage) -> None:
    folder = Folder(stage.folder / "state", "terminal")
    folder.take()

    with pytest.raises(Refused, match=rf"a demo is running in .* \(process {os.getpid()}\)"):
        Folder(stage.folder / "state", "matrix").take()

    folder.leave()
    Folder(stage.folder / "state", "matrix").take()


def test_a_folder_that_another_version_made_is_refused(stage: Stage) -> None:
    state = stage.folder / "state"
    state.mkdir()
    (state / "tokens.json").write_text("{}")  # one room, not encrypted

    with pytest.raises(Refused, match="was made by another version of the demo") as caught:
        run(replace(stage.options, terminal=False, script=None, state=state))

    assert "make clean" in caught.value.hint
    Folder(state, "terminal").take()


def test_tokens_are_kept_with_the_version_that_wrote_them(stage: Stage) -> None:
    folder = Folder(stage.folder, "matrix")
    folder.keep_tokens(["one"])
    folder.take()
    folder.leave()
    (stage.folder / "devices.json").write_text('{"version": 3, "tokens": []}')

    with pytest.raises(Refused, match="another version"):
        folder.take()


def test_the_room_in_this_process_has_no_plain_one_beside_it(stage: Stage) -> None:
    with pytest.raises(UsageError, match="--plain"):
        stage.play("!ping", plain=True)
