"""Who may do what in the demonstration, and the configuration that says so to the bot."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config import Config, load
from bot.demo.folder import ROOM, Folder, write_private
from bot.demo.policy import of_file, of_the_lab
from bot.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    file = folder / "policy.yaml"
    file.write_text(text, "utf-8")
    return file


def config(folder: Path) -> Config:
    """The lab's configuration, as the bot loads it."""
    for name in ("key", "known_hosts", "password"):
        write_private(folder / name, "x")
    host = {"address": "127.0.0.1", "user": "nounou", "key_file": str(folder / "key")}
    host |= {"known_hosts": str(folder / "known_hosts")}
    array = {"address": "127.0.0.1", "port": 2, "user": "manage"}
    array |= {"password_file": str(folder / "password")}
    ilo = {"address": "127.0.0.1", "user": "manage", "known_hosts": str(folder / "known_hosts")}
    ilo |= {"password_file": str(folder / "password"), "serial": "CZJ1234567"}
    site: dict[str, Any] = {
        "hosts": {"fy": host | {"port": 1}, "fz": host | {"port": 3}},
        "lights_out": {"fy": ilo | {"port": 4}, "fz": ilo | {"port": 5}},
        "arrays": {"nols": array},
        "guests": {},
    }
    kept = Folder(folder, "terminal")
    kept.write_config(of_the_lab(), site, {"chat": {"kind": "terminal"}, "rooms": {"main": ROOM}})
    return load(kept.config)


def test_the_lab_has_two_administrators_an_apprentice_and_a_stranger() -> None:
    lab = of_the_lab()

    assert [*lab.accounts] == ["nounou", "nounou2", "apprenti", "stranger"]
    assert lab.members == {"nounou", "nounou2", "apprenti"}
    assert lab.host == "nounou"


def test_the_bot_understands_the_configuration_of_the_lab(tmp_path: Path) -> None:
    found = config(tmp_path)

    assert found.members["apprenti"].ids == ["@apprenti:localhost"]
    assert found.arrays["nols"].protected == ["daath-*"]
    assert found.timing.follow_every == 0.3


def test_in_the_lab_only_what_destroys_waits_and_that_for_a_second_person(tmp_path: Path) -> None:
    found = config(tmp_path).approvals

    assert (found.changes, found.interrupts, found.destroys) == ("none", "none", "second")
    assert found.reactions == ["changes", "interrupts"]


def test_the_configuration_says_why_a_code_counts_in_the_labs_plain_room(tmp_path: Path) -> None:
    assert config(tmp_path).approvals.allow_plaintext_approvals

    text = Folder(tmp_path, "terminal").config.read_text()
    comment, _key, _rest = text.partition("approvals:")
    assert "# In a plain room a homeserver can forge anyone." in comment


def test_an_apprentice_confirms_and_approves_nothing() -> None:
    allowed = of_the_lab().policy["roles"]["apprenti"]["allow"]

    assert "access.confirm" in allowed
    assert "access.approve" not in allowed


def test_who_runs_the_demo_may_use_the_local_chat_as_its_host(tmp_path: Path) -> None:
    members = config(tmp_path).members

    assert members["nounou"].os_users == [pwd.getpwuid(os.getuid()).pw_name]
    assert [name for name, member in members.items() if member.os_users] == ["nounou"]


def test_the_configuration_and_the_passwords_are_for_one_user(tmp_path: Path) -> None:
    config(tmp_path)
    folder = Folder(tmp_path, "terminal")
    _password, file = folder.password("bot")

    assert [path.stat().st_mode & 0o777 for path in (folder.config, file)] == [0o600, 0o600]


def test_a_password_is_made_up_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "matrix")

    assert folder.password("nounou") == folder.password("nounou")
    assert folder.password("nounou")[0] != folder.password("bot")[0]


def test_each_person_of_a_policy_gets_an_account_of_the_lab(tmp_path: Path) -> None:
    policy = written(
        tmp_path,
        "roles: {all: {allow: ['*'], deny: ['domu.migrate on vm']}}\n"
        "members:\n"
        "  Anna: {ids: ['@a:example.org', '@a2:example.org'], roles: [all]}\n"
        "  anna: {ids: ['@b:example.org']}\n"
        "  bot: {ids: ['@c:example.org']}\n",
    )

    cast = of_file(policy)

    assert cast.accounts == {
        "Anna": "anna",
        "anna": "anna-2",
        "bot": "bot-2",
        "stranger": "stranger",
    }
    assert cast.policy["members"]["Anna"] == {"ids": ["@anna:localhost"], "roles": ["all"]}
    assert cast.policy["roles"]["all"]["deny"] == ["domu.migrate on vm"]
    assert cast.host == "Anna"


def test_a_policy_that_does_not_say_who_agrees_to_what_is_as_the_lab(tmp_path: Path) -> None:
    cast = of_file(written(tmp_path, "roles: {}\nmembers: {anna: {ids: ['@a:x.org']}}\n"))

    assert cast.policy["approvals"] == of_the_lab().policy["approvals"]


def test_a_policy_may_say_who_agrees_to_what(tmp_path: Path) -> None:
    policy = written(
        tmp_path,
        "roles: {}\nmembers: {anna: {ids: ['@a:x.org']}}\n"
        "approvals: {interrupts: second, also: {'domu.show on vm': confirm}, expire: 5m}\n",
    )

    found = of_file(policy).policy["approvals"]

    assert (found["interrupts"], found["expire"]) == ("second", 300.0)
    assert found["also"] == {"domu.show on vm": "confirm"}
    assert not found["allow_plaintext_approvals"]


def test_a_stranger_whom_the_policy_names_is_a_member(tmp_path: Path) -> None:
    cast = of_file(written(tmp_path, "roles: {}\nmembers: {stranger: {ids: ['@s:x.org']}}\n"))

    assert cast.members == {"stranger"}


def test_a_whole_configuration_serves_as_a_policy(tmp_path: Path) -> None:
    config(tmp_path)

    assert of_file(Folder(tmp_path, "terminal").config).members == of_the_lab().members


def test_every_error_of_a_policy_is_said_with_its_line(tmp_path: Path) -> None:
    policy = written(
        tmp_path,
        "roles:\n  all: {alow: ['*']}\nmembers:\n  anna: {ids: [anna], roles: [all]}\n",
    )

    with pytest.raises(ConfigError, match=r"(?s)line 2, roles.all.alow.*line 4, members.anna.ids"):
        of_file(policy)


def test_a_policy_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no member"):
        of_file(written(tmp_path, "roles: {}\nmembers: {}\n"))


def test_what_is_written_is_yaml_without_a_password(tmp_path: Path) -> None:
    config(tmp_path)
    text = Folder(tmp_path, "terminal").config.read_text()

    assert yaml.safe_load(text)["arrays"]["nols"]["password"] == {
        "file": str(tmp_path / "password")
    }
