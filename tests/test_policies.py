"""What the configuration says of who may do what, held against the commands that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import cli
from bot.app import registry_of
from bot.config import Config, load, load_policy
from bot.core.approvals import Need
from bot.core.policy import Right
from bot.core.policy_words import described
from bot.errors import ConfigError
from bot.policies import (
    approvals_of,
    console_of,
    demand_fit,
    fit,
    policy_of,
    read_again,
    strange_calls,
)
from bot.screen import fonts
from tests.test_config import SMALL, folder, written

__all__ = ["folder"]

REGISTRY = registry_of(["commands"])


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    """The small configuration, with each first text in place of the second."""
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return written(folder, text)


def policy(text: str) -> str:
    return f"roles:\n  some:\n    allow:\n      - domu.list\n      - {text}\nmembers: {{}}\n"


def test_members_are_known_by_all_their_names(folder: Path) -> None:
    path = changed(folder, ("  bruno:\n", "  bruno:\n    os_users: [bruno]\n"))

    found = policy_of(load(path))

    assert found.person("@anna:example.org") == "anna"
    assert found.person("local:bruno") == "bruno"
    assert found.person("local:anna") is None
    assert found.of("bruno").deny[0].right == Right.parse("job.*")


def test_what_has_to_wait_is_read(folder: Path) -> None:
    text = 'approvals: {changes: second, also: {"domu.list on web-*": confirm}}\n'

    found = approvals_of(load(written(folder, SMALL + text)))

    assert found.also == ((Right.parse("domu.list on web-*"), Need.CONFIRM),)


@pytest.mark.parametrize(
    ("right", "what"),
    [
        (
            "domu.migrate on vm-* too fz",
            "line 5, roles.some.allow[1]: in 'domu.migrate on vm-* too fz', "
            "no command of domu.migrate has a parameter too; did you mean to",
        ),
        ("domu.migrate onn vm", "no command of domu.migrate has a parameter onn; did you mean on?"),
        ("bot.ping zzzzz 1", "has a parameter zzzzz; write one of: except, in, on"),
        ("'* zzzzz 1'", "no command of * has a parameter zzzzz"),
    ],
)
def test_a_right_about_a_word_that_no_command_has_is_wrong(
    tmp_path: Path, right: str, what: str
) -> None:
    path = written(tmp_path, policy(right))

    found = fit(path, load_policy(path), REGISTRY)

    assert len(found.wrong) == 1
    assert what in str(found.wrong[0])
    with pytest.raises(ConfigError, match=r"is wrong: line 5, roles\.some"):
        demand_fit(path, load_policy(path), REGISTRY)


@pytest.mark.parametrize(
    ("right", "what"),
    [
        ("host.maintenance state OFF", "no command of host.maintenance takes OFF as state"),
        (
            "'access.grant person @anna:localhost'",
            "no command of access.grant takes @anna:localhost as person",
        ),
        ("host.maintenance state off, no", "takes no as state; write it as on or off"),
        ("domu.migrate dry-run no", "no command of domu.migrate takes no as dry_run"),
        ("'job.cancel job #7'", "no command of job.cancel takes #7 as job"),
        ("job.cancel job 007", "takes 007 as job"),
        ("hold.place what domu:vm", "no command of hold.place takes domu:vm as what"),
        ("hold.place on volume:vm-root", "no object is called volume:vm-root"),
        ("hold.place except host:fz", "no object is called host:fz"),
    ],
)
def test_a_word_that_nothing_can_match_is_wrong(tmp_path: Path, right: str, what: str) -> None:
    """A denial of it would keep nobody from anything."""
    path = written(tmp_path, policy(right))

    [problem] = fit(path, load_policy(path), REGISTRY).wrong

    assert what in str(problem)


@pytest.mark.parametrize(
    ("right", "what"),
    [
        ("volume.shrink on web-*", "no command needs volume.shrink; !help COMMAND names the right"),
        ("volume.shrink size 3", "no command needs volume.shrink"),
        ("job.cancel on web-*", "no command of job.cancel takes an object"),
    ],
)
def test_a_right_that_gives_nothing_yet_is_only_odd(tmp_path: Path, right: str, what: str) -> None:
    path = written(tmp_path, policy(right))

    found = fit(path, load_policy(path), REGISTRY)

    assert found.wrong == []
    assert [what in str(notice) for notice in found.notices] == [True]


@pytest.mark.parametrize(
    "right",
    [
        "'domu.migrate on vm-* to fz dry-run true in #nounou:example.org'",
        "domu.migrate, domu.destroy on web-* to fz",
        "'* on vm-*'",
        "domu.list on vm-*",
        "'bot.*'",
        "host.maintenance state o[nf]*",
        "domu.migrate dry-run false",
        "job.cancel job 4?, 7, 1*",
    ],
)
def test_a_right_about_what_there_is_fits(tmp_path: Path, right: str) -> None:
    path = written(tmp_path, policy(right))

    found = fit(path, load_policy(path), REGISTRY)

    assert (found.wrong, found.notices) == ([], [])


def test_a_room_that_yaml_takes_for_a_comment_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, policy("domu.list in #nounou:example.org"))

    with pytest.raises(ConfigError, match=r"no room stands behind 'in'.*quotes"):
        load_policy(path)


def test_rights_in_approvals_have_to_fit_too(tmp_path: Path) -> None:
    text = policy("domu.show") + 'approvals: {also: {"domu.migrate too fz": confirm}}\n'
    path = written(tmp_path, text)

    [problem] = fit(path, load_policy(path), REGISTRY).wrong

    assert (problem.line, problem.key) == (7, "approvals.also.domu.migrate too fz")


@pytest.mark.parametrize(
    ("room", "says"),
    [
        ("#nounou:localhost", []),
        ("#n*:localhost", []),
        ("!abc:localhost", ["no room is called !abc:localhost; write one as it stands below"]),
    ],
)
def test_a_room_that_the_configuration_does_not_name_so_is_odd(
    folder: Path, room: str, says: list[str]
) -> None:
    path = changed(folder, ("domu.list, ", f'"domu.list in {room}", '))

    found = fit(path, load(path), REGISTRY)

    assert found.wrong == []
    assert len(found.notices) == len(says)
    assert all(text in str(notice) for text, notice in zip(says, found.notices, strict=True))


@pytest.mark.parametrize(
    ("right", "code", "says"),
    [
        ("domu.list", 0, "is right."),
        ("domu.lisst", 0, "in 'domu.lisst', no command needs domu.lisst"),
        ("domu.list too fz", 1, "no command of domu.list has a parameter too"),
    ],
)
def test_check_config_holds_the_rights_against_the_commands(
    folder: Path, right: str, code: int, says: str
) -> None:
    path = changed(folder, ("[domu.list, ", f"[{right}, "))

    ended = CliRunner().invoke(cli.app, ["check-config", str(path)])

    assert ended.exit_code == code
    assert says in ended.output
    assert ("is right." in ended.output) is (code == 0)


def test_the_file_is_read_again_and_what_a_start_takes_over_is_named(folder: Path) -> None:
    started = load(written(folder))
    path = changed(
        folder,
        ("domu.list, ", "domu.list, domu.show, "),
        ("site: lab\n", "site: lab\nprefix: '?'\ntiming: {away: 3m}\n"),
        ("port: 2202", "port: 2203"),
        ("password: {file: password}", "token: {file: id}"),
    )

    fresh = read_again(path, started, REGISTRY)

    assert fresh.policy.of("bruno").verb("domu.show")
    assert fresh.later == ("prefix", "chat.password", "chat.token", "hosts.fz", "timing.away")


def test_a_secret_that_changed_is_named_and_never_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(folder)
    started = load(path)
    monkeypatch.setenv("NOUNOU_ARRAY", "another secret")

    fresh = read_again(path, started, REGISTRY)

    assert fresh.later == ("arrays.nols",)
    assert "secret" not in str(fresh)


def test_a_file_that_did_not_change_says_the_same(folder: Path) -> None:
    path = written(folder)
    started = load(path)

    fresh = read_again(path, started, REGISTRY)

    assert fresh.later == ()
    assert described(fresh.policy, fresh.approvals) == described(
        policy_of(started), approvals_of(started)
    )


def _gone(path: Path) -> None:
    path.unlink()


def _half_written(path: Path) -> None:
    path.write_text(SMALL[: len(SMALL) // 2] + '"', encoding="utf-8")


def _empty(path: Path) -> None:
    path.write_text("", encoding="utf-8")


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _misfit(path: Path) -> None:
    path.write_text(SMALL.replace("on web-*", "too fz"), encoding="utf-8")


@pytest.mark.parametrize("spoil", [_gone, _half_written, _empty, _a_folder, _misfit])
def test_a_file_that_cannot_be_taken_over_is_refused_in_a_sentence(
    folder: Path, spoil: object
) -> None:
    path = written(folder)
    started = load(path)
    assert callable(spoil)
    spoil(path)

    with pytest.raises(ConfigError, match=r"^the configuration .* is wrong: "):
        read_again(path, started, REGISTRY)


def test_every_line_of_a_policy_reads_aloud(folder: Path) -> None:
    config: Config = load(written(folder))

    lines = described(policy_of(config), approvals_of(config))

    assert lines[:2] == (
        "member anna (@anna:example.org, @anna:localhost): nounou",
        "member bruno (@bruno:localhost): apprentice",
    )
    assert "role apprentice may not: job.*" in lines
    assert "approvals.destroys: second" in lines
    assert "approvals.expire: 900s" in lines


def test_check_config_knows_the_watches(folder: Path) -> None:
    path = written(folder, SMALL + "watches:\n  hosts: {every: 30s}\n  hostss: {enabled: false}\n")
    line = path.read_text(encoding="utf-8").splitlines().index("  hostss: {enabled: false}") + 1

    ended = CliRunner().invoke(cli.app, ["check-config", str(path)])

    assert ended.exit_code == 1
    assert f"line {line}, watches.hostss: there is no watch hostss; did you mean hosts?" in (
        ended.output
    )


def test_whom_alerts_call_is_a_role_a_member_or_everybody(folder: Path) -> None:
    alerts = "alerts:\n  critical:\n    mention: [nuonou, everybody]\n"
    path = written(folder, SMALL + alerts)

    (problem,) = strange_calls(path, load(path))

    assert "alerts.critical.mention" in str(problem)
    assert "nuonou is no role and no member" in str(problem)


def test_a_font_that_is_missing_is_found_at_the_start_where_pictures_are_wanted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.files", lambda _: [])
    fonts._font.cache_clear()
    wanted, never = (
        load(written(folder, f"{SMALL}console:\n  pictures: {word}\n"))
        for word in ("encrypted", "never")
    )

    assert console_of(never).pictures == "never"
    with pytest.raises(ConfigError, match=r"The font of pictures, DejaVuSansMono\.ttf, is missing"):
        console_of(wanted)
