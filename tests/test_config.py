"""A configuration is read whole, or refused with every error, its line, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr
from typer.testing import CliRunner

from bot import cli
from bot.config import Config, load, load_policy, problems
from bot.config_file import models_in
from bot.core.command import Registry
from bot.errors import ConfigError
from bot.plugins import modules_in

ROOT = Path(__file__).parent.parent

SMALL = """\
site: lab
state: state
chat:
  kind: matrix
  homeserver: http://localhost:8008
  user: "@bot:localhost"
  password: {file: password}
rooms:
  main: "#nounou:localhost"
hosts:
  fy: {address: 127.0.0.1, port: 2201, user: nounou, key_file: id, known_hosts: known_hosts}
  fz: {address: 127.0.0.1, port: 2202, user: nounou, key_file: id, known_hosts: known_hosts}
arrays:
  nols: {address: 127.0.0.1, user: manage, password: {env: NOUNOU_ARRAY}}
roles:
  nounou: {allow: ["*"]}
  apprentice: {allow: [domu.list, domu.migrate on web-*], deny: ["job.*"]}
members:
  anna: {ids: ["@anna:localhost", "@anna:example.org"], roles: [nounou]}
  bruno:
    ids: ["@bruno:localhost"]
    roles: [apprentice]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that `SMALL` names."""
    private(tmp_path / "password", "correct horse\n")
    private(tmp_path / "id", "a key\n")
    (tmp_path / "known_hosts").write_text("", encoding="utf-8")
    monkeypatch.setenv("NOUNOU_ARRAY", "battery staple")
    return tmp_path


def private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def written(folder: Path, text: str = SMALL) -> Path:
    path = folder / "nounou.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def wrong(folder: Path, old: str, new: str) -> list[str]:
    """What is said once *old* is *new* in `SMALL`."""
    assert old in SMALL
    return [str(problem) for problem in problems(written(folder, SMALL.replace(old, new, 1)))]


def test_a_right_file_is_loaded_with_its_defaults(folder: Path) -> None:
    config = load(written(folder))

    assert config.site == "lab"
    assert config.state == folder / "state"
    assert config.hosts["fy"].migration_address == "fy"
    assert config.hosts["fy"].update_script == ["sudo", "/usr/scripts/gestion/iscsi/update.sh"]
    assert config.rooms.audit == "#nounou:localhost"
    assert config.timing.resync == 120
    assert problems(folder / "nounou.yaml") == []


@pytest.mark.parametrize("kind", ["matrix", "terminal"])
def test_who_has_a_file_checked_is_told_to_encrypt_rooms_of_matrix(folder: Path, kind: str) -> None:
    chat, rest = SMALL.split("rooms:\n")
    chat = chat if kind == "matrix" else "site: lab\nstate: state\nchat: {kind: terminal}\n"
    ended = CliRunner().invoke(
        cli.app, ["check-config", str(written(folder, f"{chat}rooms:\n{rest}"))]
    )

    assert ended.exit_code == 0
    assert ("Encrypt the rooms: in a plain one" in ended.stdout) is (kind == "matrix")


def test_secrets_come_from_a_file_or_the_environment_and_are_masked_in_print(folder: Path) -> None:
    config = load(written(folder))

    assert config.chat.kind == "matrix"
    assert config.chat.password == SecretStr("correct horse")
    assert config.arrays["nols"].password == SecretStr("battery staple")
    for printed in (repr(config), str(config), str(config.model_dump()), config.model_dump_json()):
        assert "horse" not in printed
        assert "staple" not in printed


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
@pytest.mark.parametrize("name", ["password", "id"])
def test_a_secret_that_others_may_read_or_write_is_refused(
    folder: Path, name: str, mode: int
) -> None:
    (folder / name).chmod(mode)

    said = str(problems(written(folder))[0])

    assert "is open to other users" in said
    assert f"chmod 600 {folder / name}" in said


@pytest.mark.parametrize("key", ["password", "token"])
def test_a_secret_in_clear_is_refused_and_not_repeated(folder: Path, key: str) -> None:
    said = wrong(folder, "password: {file: password}", f"{key}: correct horse")

    assert said == [
        f"line 7, chat.{key}: a secret is never written in the configuration itself; "
        "write {file: PATH} or {env: NAME}"
    ]


def test_a_secret_is_not_repeated_where_its_key_is_misspelt(folder: Path) -> None:
    said = " ".join(wrong(folder, "password: {file: password}", "pasword: horse"))

    assert "did you mean password?" in said
    assert "horse" not in said


def test_the_bot_logs_in_in_exactly_one_way(folder: Path) -> None:
    both = wrong(folder, "{file: password}\n", "{file: password}\n  token: {env: NOUNOU_ARRAY}\n")
    neither = wrong(folder, "  password: {file: password}\n", "")

    assert both == neither
    assert "exactly one of the two keys" in both[0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("site: lab", "site: -rf", "line 1, site: '-rf' is not a name"),
        ("site: lab", "site: lab\nlanguag: fr", "line 2, languag: there is no such key; did you"),
        (
            "site: lab",
            "site: lab\nzzz: 1",
            "remove it; the keys here are: roles, members, approvals, language",
        ),
        ("site: lab", "site: 12", "line 1, site: 12 is not a text; put it in quotes"),
        ("site: lab", "site: lab\nprefix: /", "line 2, prefix: '/' cannot mark a command"),
        ("site: lab", "site: lab\ncommands: []", "line 2, commands: it is empty"),
        ("site: lab", "site: lab\ncommands: x", "line 2, commands: 'x' is not a list"),
        ("site: lab", "site: lab\ncommands: [my-own]", "line 2, commands[0]: 'my-own' is not"),
        (
            "site: lab",
            "site: lab\nlimits: {command_bytes: 0}",
            "limits.command_bytes: 0 is too small",
        ),
        (
            "site: lab",
            "site: lab\nhttp: {tokens: {a: {file: password}, b: {file: password}}}",
            "line 2, http.tokens.b: b and a have the same token; give each sender a token of its",
        ),
        ("site: lab", "site: lab\ntiming: {stop: soon}", "timing.stop: 'soon' is not a duration"),
        ("site: lab", "site: lab\ntiming: 4", "line 2, timing: 4 has no keys"),
        ("state: state", "stat: state", "line 2, stat: there is no such key; did you mean state?"),
        ("kind: matrix", "kind: irc", "line 4, chat.kind: irc is not a kind of chat"),
        ("kind: matrix\n  ", "", "line 3, chat.kind: this key is missing"),
        ("http://localhost:8008", "localhost", "line 5, chat.homeserver: 'localhost' is not the"),
        ('"@bot:localhost"', "bot", "line 6, chat.user: 'bot' is not a Matrix id"),
        ('"#nounou:localhost"', "nounou", "line 9, rooms.main: 'nounou' is neither a room's alias"),
        ("port: 2201", "port: 70000", "line 11, hosts.fy.port: 70000 is too large; write at most"),
        ("port: 2201", "port: ssh", "line 11, hosts.fy.port: 'ssh' is not a whole number"),
        ("port: 2201", "prot: 2201", "line 11, hosts.fy.prot: there is no such key; did you mean"),
        ("port: 2202", "port: 2201", "line 12, hosts.fz.address: fy has this address and this"),
        ("  fy:", "  -fy:", "line 11, hosts.-fy: '-fy' is not a name"),
        ("user: nounou,", "user: nounou, toolstack: xend,", "no driver 'xend'; write one of: xl"),
        ("user: manage,", "user: manage, driver: p2000,", "no driver 'p2000'; write one of: msa"),
        ("user: nounou,", "user: nounou, update_script: [],", "update_script: it is empty"),
        ("user: nounou,", "user: nounou, update_script: [''],", "update_script[0]: '' cannot be"),
        ("user: nounou,", "user: nounou, jobs_folder: ../x,", "'../x' is not a path below"),
        ("user: nounou,", "user: nounou, owner_file: -x,", "'-x' is not a path below"),
        ("user: nounou,", "user: nounou, migration_address: -l,", "'-l' is not an address"),
        ("key_file: id", "key_file: none", "hosts.fy.key_file: the file"),
        ("known_hosts: known_hosts", "known_hosts: none", "none cannot be read (No such file"),
        ("known_hosts: known_hosts", "known_hosts: .", "is not a file that this user may read"),
        ("{env: NOUNOU_ARRAY}", "{env: NOUNOU_NOTHING}", "'NOUNOU_NOTHING' is not set; set it"),
        ("{env: NOUNOU_ARRAY}", "{env: A, file: b}", "a secret is never written in the"),
        ("user: manage,", "user: manage, protected: [a b],", "'a b' is not a pattern of names"),
        ('["*"]', "[rm -rf]", "line 16, roles.nounou.allow[0]: 'rm -rf' is not a right"),
        (
            "web-*",
            "web-* to",
            "line 17, roles.apprentice.allow[1]: 'domu.migrate on web-* to' is not",
        ),
        ("roles: [nounou]", "roles: [nuonou]", "members.anna.roles[0]: the role 'nuonou' is not"),
        ('"@anna:localhost", ', '"anna", ', "line 19, members.anna.ids[0]: 'anna' is not a Matrix"),
        ("@bruno:", "@anna:", "line 21, members.bruno.ids[0]: @anna:localhost is anna already"),
        ('["@bruno:localhost"]', "[]", "line 21, members.bruno.ids: it is empty"),
    ],
)
def test_an_error_has_its_line_its_key_and_a_remedy(
    folder: Path, old: str, new: str, expected: str
) -> None:
    said = wrong(folder, old, new)

    assert any(expected in sentence and "; " in sentence for sentence in said), said


def test_every_error_is_said_in_the_order_of_the_lines(folder: Path) -> None:
    text = SMALL.replace("site: lab", "site: 4").replace("2202", "0").replace("[nounou]", "[x]")

    said = [problem.line for problem in problems(written(folder, text))]

    assert said == [1, 12, 19]


def test_an_empty_secret_file_is_refused(folder: Path) -> None:
    private(folder / "password", "\n")

    assert "is empty; write the secret into it" in str(problems(written(folder))[0])


def test_load_says_the_first_error_and_how_to_see_all(folder: Path) -> None:
    path = written(folder, SMALL.replace("site: lab", "site: 4"))

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert "line 1, site: 4 is not a text" in str(caught.value)
    assert f"nounou check-config {path}" in caught.value.hint


def test_a_policy_is_read_from_a_file_of_its_own(folder: Path) -> None:
    policy = load_policy(written(folder, SMALL[SMALL.index("roles:") :]))

    assert policy.roles["apprentice"].deny == ["job.*"]
    assert policy.members["anna"].ids == ["@anna:localhost", "@anna:example.org"]


def test_a_policy_is_read_from_a_whole_configuration_that_this_machine_could_not_run(
    tmp_path: Path,
) -> None:
    """Whoever tries a policy in the lab has neither the site's keys nor its passwords."""
    policy = load_policy(written(tmp_path))

    assert set(policy.members) == {"anna", "bruno"}


def test_a_wrong_policy_says_its_line(folder: Path) -> None:
    with pytest.raises(ConfigError, match="line 2, members: 'anna' has no keys"):
        load_policy(written(folder, "roles: {}\nmembers: anna\n"))


def test_rights_without_a_pattern_in_the_example_are_rights_that_commands_need() -> None:
    registry = Registry()
    registry.add_from(modules_in("commands"))

    policy = load_policy(ROOT / "config.example.yaml")

    verbs = {
        right.split(" ")[0]
        for role in policy.roles.values()
        for right in [*role.allow, *role.deny]
        if "*" not in right.split(" ")[0]
    }
    assert verbs
    assert verbs <= {verb for command in registry for verb in command.verbs}


def fields(model: type[BaseModel]) -> set[str]:
    """Every key that *model* and the sections below it know."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for below in models_in(field.annotation):
            found |= fields(below)
    return found


@pytest.mark.parametrize("document", ["config.example.yaml", "docs/config.md"])
def test_every_key_is_documented(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")

    assert {key for key in fields(Config) if key not in text} == set()


def test_the_example_is_right_and_its_optional_keys_show_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    for name in (
        "matrix-password",
        "id_ed25519",
        "nols-password",
        "known_hosts",
        "alertmanager-token",
        "fy-ilo-password",
    ):
        private(tmp_path / "secrets" / name, "x\n")

    config = load(written(tmp_path, example))

    shown, bare = config.hosts["fy"], config.hosts["fz"]
    assert shown.update_script == bare.update_script
    assert (shown.port, shown.jobs_folder, shown.owner_file, shown.migration_address) == (
        bare.port,
        bare.jobs_folder,
        bare.owner_file,
        "fy",
    )
    assert config.timing == type(config.timing)()
    assert config.limits == type(config.limits)()
