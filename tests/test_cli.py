"""The command line starts fast, says one sentence where something is wrong, and keeps secrets."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot import __version__, cli

HEAVY = ("aiosqlite", "asyncssh", "nio", "prompt_toolkit", "pydantic", "sqlalchemy", "telnetlib3")

WRONG = "site: -rf\n"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Undo what `log_to_stderr` sets for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def nounou(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, with nothing on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=50,
    )


def test_help_imports_nothing_heavy() -> None:
    """What `--help` needs decides how fast it is; a clock on a busy machine would say nothing."""
    code = (
        "import sys\nfrom bot import cli\nsys.argv = ['nounou', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    print('loaded', *sys.modules)\n"
    )

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50
    ).stdout

    loaded = set(shown.rpartition("loaded ")[2].split())
    assert "check-config" in shown
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_version_is_said() -> None:
    assert nounou("--version").stdout == f"nounou {__version__}\n"


def test_check_config_says_each_error_and_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "nounou.yaml"
    path.write_text(WRONG, encoding="utf-8")

    ended = nounou("check-config", str(path))

    lines = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert f"{path}: line 1, site: '-rf' is not a name" in ended.stderr
    assert len(lines) > 3
    assert all(line.startswith(f"{path}: line 1, ") for line in lines)


def test_run_with_a_wrong_configuration_is_one_sentence_and_ends_with_2(tmp_path: Path) -> None:
    path = tmp_path / "nounou.yaml"
    path.write_text(WRONG, encoding="utf-8")

    ended = nounou("run", str(path))

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"nounou: the configuration {path} is wrong: line 1, ")


@pytest.mark.parametrize("words", [(), ("c.yaml", "--state", "folder")])
def test_audit_verify_wants_either_a_configuration_or_a_folder(words: tuple[str, ...]) -> None:
    ended = nounou("audit", "verify", *words)

    assert ended.returncode == 2
    assert "give a configuration or --state FOLDER" in ended.stderr


def test_a_bug_is_logged_with_the_reference_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def buggy(_path: Path) -> None:
        secret = "correct horse"
        raise RuntimeError(f"{len(secret)} letters")

    monkeypatch.setattr("bot.config.load", buggy)
    monkeypatch.setattr(sys, "argv", ["nounou", "run", "nounou.yaml"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    logged, said = capsys.readouterr().err.splitlines()
    entry = json.loads(logged)
    assert ended.value.code == 70
    assert said == f"nounou: internal error, ref {entry['ref']}"
    assert "RuntimeError: 13 letters" in entry["exception"]
    assert "horse" not in logged


def test_logs_go_to_standard_error_and_never_to_the_protocol(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Standard output belongs to the terminal chat."""
    cli.log_to_stderr()

    structlog.get_logger().info("ours", host="fy")
    logging.getLogger("asyncssh").warning("theirs")
    logging.getLogger("asyncssh").info("too much")

    printed = capsys.readouterr()
    entries = [json.loads(line) for line in printed.err.splitlines()]
    assert printed.out == ""
    assert [entry["event"] for entry in entries] == ["ours", "theirs"]
    assert [entry["level"] for entry in entries] == ["info", "warning"]


def test_term_ends_the_bot_as_ctrl_c_does_even_where_that_was_ignored() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        cli.end_on_signals()

        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
