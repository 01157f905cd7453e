"""The rules of the house, kept by tests: names, sizes, sentences, waiting, families of drivers."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import errors
from bot.core.command import Command
from bot.devices.power import LightsOut
from bot.devices.storage import StorageArray
from bot.devices.time_service import TimeServiceDriver
from bot.devices.xen import Toolstack
from bot.plugins import drivers_in

ROOT = Path(__file__).parent.parent
LONGEST = 400

#: errors whose first argument is shown to people
SAID = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.BotError)
}


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call in *path*, with the last part of the name: `sleep` for ``asyncio.sleep()``."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node


def place(path: Path, node: ast.expr) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_other_distribution_owns_the_names_bot_and_commands() -> None:
    owners = importlib.metadata.packages_distributions()

    for package in ("bot", "commands"):
        assert set(owners.get(package, ())) <= {"nounou-bot"}


def test_no_file_is_longer_than_it_may_be() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources("bot", "commands", "tests", "tools", "bench")
    }

    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def is_bare(sentence: ast.expr) -> bool:
    """Whether *sentence* is a text that no translator ever sees."""
    match sentence:
        case ast.JoinedStr():
            return True
        case ast.Constant(value=str(text)):
            return any(sign.isalpha() for sign in text)
        case ast.Call(func=ast.Attribute(value=inner, attr="format")):
            return is_bare(inner)
        case ast.BinOp(left=left, right=right):
            return is_bare(left) or is_bare(right)
    return False


@pytest.mark.parametrize(
    ("code", "bare"),
    [
        ("Refused('no')", True),
        ("Refused(f'no {x}')", True),
        ("Refused('no {x}'.format(x=x))", True),
        ("Refused(_('no') + ' more')", True),
        ("Refused(_('no {x}').format(x=x))", False),
        ("Refused(sentence)", False),
        ("Refused(_('no.') + '\\n' + _('Why not.'))", False),
    ],
)
def test_a_bare_sentence_is_recognised(code: str, bare: bool) -> None:
    call = ast.parse(code, mode="eval").body

    assert isinstance(call, ast.Call)
    assert is_bare(call.args[0]) is bare


def test_what_an_error_says_can_be_translated() -> None:
    said = [
        (path, sentence)
        for path in sources("bot", "commands")
        for name, call in calls(path)
        if name in SAID
        for sentence in [*call.args[:1], *(k.value for k in call.keywords if k.arg == "hint")]
    ]

    assert said
    assert [place(path, sentence) for path, sentence in said if is_bare(sentence)] == []


def test_a_sentence_for_translators_is_whole() -> None:
    """What is put together at run time is in no catalogue; values are filled in afterwards."""
    marked = [
        (path, call)
        for path in sources("bot", "commands")
        for name, call in calls(path)
        if name in ("_", "ngettext")
    ]

    assert marked
    assert [
        place(path, call)
        for path, call in marked
        if any(isinstance(arg, ast.JoinedStr | ast.BinOp) for arg in call.args)
    ] == []


def test_no_test_waits_by_sleeping() -> None:
    """Tests wait for events, or poll a condition within a bound; ``sleep(0)`` lets others run."""
    sleeps = [
        place(path, call)
        for path in sources("tests")
        for name, call in calls(path)
        if name == "sleep" and ast.unparse(call.args[0]) != "0"
    ]

    assert sleeps == []


def family(module: str) -> str:
    """The driver that a file belongs to: ``xl`` for ``xl_census``."""
    return module.rpartition(".")[2].partition("_")[0]


def test_drivers_of_one_kind_do_not_know_one_another() -> None:
    strangers = []
    for path in sources(
        "bot/devices/arrays", "bot/devices/toolstacks", "bot/devices/time_services"
    ):
        package = ".".join(path.parent.relative_to(ROOT).parts)
        for node in nodes(path):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            names = [alias.name for alias in node.names] if node.module == package else []
            if node.module.startswith(f"{package}."):
                names = [node.module]
            strangers += [
                f"{path.name} -> {name}" for name in names if family(name) != family(path.stem)
            ]

    assert strangers == []


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        ("arrays", StorageArray),
        ("lights_out", LightsOut),
        ("time_services", TimeServiceDriver),
        ("toolstacks", Toolstack),
    ],
)
def test_a_driver_has_the_name_of_its_file(kind: str, base: type[object]) -> None:
    """The configuration knows drivers by their files, without importing them."""
    drivers = drivers_in(f"bot.devices.{kind}", base)

    assert drivers
    assert {name: driver.__module__ for name, driver in drivers.items()} == {
        name: f"bot.devices.{kind}.{name}" for name in drivers
    }


def test_layers_and_leaves_are_as_the_contracts_say() -> None:
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert checked.returncode == 0, checked.stdout[-3000:]


def test_the_example_for_newcomers_is_a_command() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    found: dict[str, object] = {}

    exec(compile(code, "CONTRIBUTING.md", "exec", dont_inherit=True), found)

    memory = found["memory"]
    assert isinstance(memory, Command)
    assert memory.usage == "memory DOM0"


def test_the_locks_agree_with_one_another() -> None:
    """What runs at a site is what was tested: the small locks hold the versions of the largest."""
    locked = {
        name: {
            line.split(" ")[0]
            for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
            if "==" in line and not line.startswith((" ", "#"))
        }
        for name in ("run.txt", "demo.txt", "dev.txt")
    }

    assert locked["run.txt"] < locked["demo.txt"] < locked["dev.txt"]


def test_no_lock_names_where_packages_come_from() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text(encoding="utf-8")
        assert "--index" not in path.read_text(encoding="utf-8")
