"""A command's signature is its grammar, its usage line and its help."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command import Command, Registry, command
from bot.core.grammar import ArgumentType, Bound
from bot.core.render import Reply
from bot.core.right import Asked
from bot.core.risk import Risk
from bot.errors import Denied, UsageError


class Shelf:
    """A `Lookup` of a few things."""

    def find(self, kind: str, text: str) -> Any:
        if text == "forbidden":
            raise Denied
        if text not in ("vm", "owl", "fz"):
            raise UsageError(f"no {kind} {text}")
        return f"{kind}:{text}"


Guest = Annotated[str, ArgumentType("domu", lambda text, look: look.find("domu", text), True)]
Place = Annotated[str, ArgumentType("dom0", lambda text, look: look.find("dom0", text), True)]
Number = Annotated[int, ArgumentType("number", lambda text, _look: int(text), written=str)]
Word = Annotated[str, ArgumentType("word", lambda text, _look: text)]
Line = Annotated[str, ArgumentType("word", lambda text, _look: text, raw=True)]


@command("migrate", needs="domu.migrate", risk="interrupts")
async def migrate(
    ctx: object, domu: Guest, to: Place, *, dry_run: bool = False, quiet: bool = False
) -> Reply:
    """Move a DomU.

    Example: migrate vm fz
    """
    return Reply(f"{domu} {to} {dry_run}")


@command("domu list", needs="domu.list")
async def domu_list(ctx: object, dom0: Place | None = None, count: Number = 5) -> Reply:
    """List the DomUs."""
    return Reply(f"{dom0} {count}")


@command("domu show", needs="domu.show")
async def domu_show(ctx: object, name: Guest) -> Reply:
    """Show one."""
    return Reply(name)


@command("say", needs="bot.say")
async def say(ctx: object, to: Guest, *text: Word) -> Reply:
    """Say something."""
    return Reply(to)


@command("ping", needs="bot.ping")
async def ping(ctx: object) -> Reply:
    """Say that the bot is there."""
    return Reply("pong")


ALL = (migrate, domu_list, domu_show, say, ping)


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    for each in ALL:
        registry.add(each)
    return registry


@pytest.mark.parametrize(
    ("each", "usage"),
    [
        (migrate, "migrate DOMU TO [--dry-run] [--quiet]"),
        (domu_list, "domu list [dom0] [count]"),
        (say, "say TO [text…]"),
        (ping, "ping"),
    ],
)
def test_the_usage_line_is_read_off_the_signature(each: Command, usage: str) -> None:
    assert each.usage == usage


def test_the_decorator_gives_a_command_and_registers_nothing() -> None:
    assert isinstance(migrate, Command)
    assert migrate.name == "migrate"
    assert migrate.needs == "domu.migrate"
    assert migrate.risk is Risk.INTERRUPTS
    assert ping.risk is Risk.READS


def test_the_docstring_is_the_help() -> None:
    assert migrate.summary == "Move a DomU."
    assert migrate.description.endswith("Example: migrate vm fz")


@pytest.mark.parametrize(
    ("each", "typed", "args", "options", "objects"),
    [
        (
            migrate,
            "vm fz",
            ("domu:vm", "dom0:fz"),
            {"dry_run": False, "quiet": False},
            (("domu", "vm"), ("dom0", "fz")),
        ),
        (
            migrate,
            "--dry-run vm fz",
            ("domu:vm", "dom0:fz"),
            {"dry_run": True, "quiet": False},
            (("domu", "vm"), ("dom0", "fz")),
        ),
        (
            migrate,
            "vm --quiet fz --dry-run",
            ("domu:vm", "dom0:fz"),
            {"dry_run": True, "quiet": True},
            (("domu", "vm"), ("dom0", "fz")),
        ),
        (domu_list, "", (None, 5), {}, ()),
        (domu_list, "fz", ("dom0:fz", 5), {}, (("dom0", "fz"),)),
        (domu_list, "fz 7", ("dom0:fz", 7), {}, (("dom0", "fz"),)),
        (say, "vm", ("domu:vm",), {}, (("domu", "vm"),)),
        (say, "vm one two - three", ("domu:vm", "one", "two", "-", "three"), {}, (("domu", "vm"),)),
        (ping, "", (), {}, ()),
    ],
)
def test_words_become_values(
    each: Command,
    typed: str,
    args: tuple[object, ...],
    options: dict[str, bool],
    objects: tuple[tuple[str, str], ...],
) -> None:
    bound = each.bind(typed.split(), Shelf())

    assert replace(bound, arguments=()) == Bound(args, options, objects)


@pytest.mark.parametrize(
    ("each", "typed", "arguments"),
    [
        (
            migrate,
            "--dry-run vm fz",
            (("domu", "domu", "vm"), ("to", "dom0", "fz"), ("dry_run", "option", "true")),
        ),
        (domu_list, "", ()),
        (domu_list, "fz 007", (("dom0", "dom0", "fz"), ("count", "number", "7"))),
        (
            say,
            "vm one two",
            (("to", "domu", "vm"), ("text", "word", "one"), ("text", "word", "two")),
        ),
    ],
)
def test_what_was_typed_is_kept_by_its_parameter_in_the_one_way_to_write_it(
    each: Command, typed: str, arguments: tuple[tuple[str, str, str], ...]
) -> None:
    assert each.bind(typed.split(), Shelf()).arguments == arguments


@pytest.mark.parametrize(
    ("each", "typed", "wrong", "says", "hints"),
    [
        (migrate, "", 1, "DOMU is missing", migrate.usage),
        (migrate, "vm", 2, "TO is missing", migrate.usage),
        (migrate, "vm fz fz", 3, "2 words at most", migrate.usage),
        (migrate, "vm fz --dry", 3, "--dry is not an option", "--dry-run"),
        (migrate, "-rf vm fz", 1, "-rf is not an option", ""),
        (migrate, "vm --dry_run=1 fz", 2, "is not an option", "--dry-run"),
        (migrate, "vn fz", 1, "no domu vn", ""),
        (migrate, "vm fx", 2, "no dom0 fx", ""),
        (migrate, "--dry-run vm fx", 3, "no dom0 fx", ""),
        (domu_list, "fz 3 x", 4, "2 words at most", domu_list.usage),
        (domu_show, "nix", 2, "no domu nix", ""),
        (say, "", 1, "TO is missing", say.usage),
        (ping, "now", 1, "0 words at most", "ping"),
    ],
)
def test_an_error_knows_which_word_is_wrong(
    each: Command, typed: str, wrong: int, says: str, hints: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        each.bind(typed.split(), Shelf())

    assert caught.value.word == wrong
    assert hints in caught.value.hint


def test_a_converter_may_deny() -> None:
    with pytest.raises(Denied):
        migrate.bind(["forbidden", "fz"], Shelf())


@given(st.lists(st.text(max_size=12), max_size=6))
def test_binding_raises_nothing_but_errors_for_the_asker(typed: list[str]) -> None:
    for each in (migrate, domu_show, say, ping):
        with suppress(UsageError, Denied):
            each.bind(typed, Shelf())


def test_a_parameter_that_no_word_can_become_stops_the_start() -> None:
    async def bare(ctx: object, name: str) -> Reply:
        """No converter."""
        return Reply(name)

    with pytest.raises(TypeError, match="take a type from"):
        command("bare", needs="bot.bare")(bare)


def test_an_option_that_is_there_from_the_start_or_has_no_converter_stops_the_start() -> None:
    async def bare(ctx: object, *, count: int | None = None) -> Reply:
        """A value that no word can become."""
        return Reply(str(count))

    async def on(ctx: object, *, quiet: bool = True) -> Reply:
        """On from the start."""
        return Reply(str(quiet))

    async def chosen(ctx: object, *, count: Number = 3) -> Reply:
        """A value that nobody typed."""
        return Reply(str(count))

    for handler, why in ((bare, "take a type from"), (on, "bool = False"), (chosen, "= None")):
        with pytest.raises(TypeError, match=why):
            command("odd", needs="bot.odd")(handler)


def test_a_parameter_that_a_right_could_not_speak_of_stops_the_start() -> None:
    async def switch(ctx: object, on: Word) -> Reply:
        """Switch it."""
        return Reply(on)

    with pytest.raises(TypeError, match="'on' means something else in a right"):
        command("switch", needs="bot.switch")(switch)


def test_the_words_of_another_command_may_look_like_options() -> None:
    async def why(ctx: object, who: Word, *line: Line, loud: bool = False) -> Reply:
        """Say why."""
        return Reply(who)

    quoting = command("why", needs="bot.why")(why)

    assert quoting.quotes
    assert quoting.bind(["--loud", "anna", "migrate", "--dry-run"], Shelf()).args == (
        "anna",
        "migrate",
        "--dry-run",
    )


def test_what_a_right_on_some_objects_can_give() -> None:
    assert migrate.limitable
    assert not ping.limitable
    assert not domu_list.limitable
    assert Command(("list",), domu_list.handler, "domu.list", filters=True).limitable


def test_a_command_is_judged_by_its_objects_and_words() -> None:
    asked = say.asked(say.bind(["vm", "one", "two"], Shelf()))
    moved = migrate.asked(migrate.bind(["vm", "fz", "--quiet"], Shelf()))

    assert asked == Asked("bot.say", ("vm",), {"to": ("vm",), "text": ("one", "two")})
    assert moved.objects == ("vm",)
    words = {"domu": ("vm",), "to": ("fz",)}
    assert moved.arguments == words | {"quiet": ("true",), "dry_run": ("false",)}


def test_two_commands_of_one_name_stop_the_start(registry: Registry) -> None:
    with pytest.raises(RuntimeError, match="two commands"):
        registry.add(ping)


@pytest.mark.parametrize("needs", ["", "ping", "bot.ping.now"])
def test_a_command_that_declares_no_right_stops_the_start(needs: str) -> None:
    async def handler(ctx: object) -> Reply:
        """Do something."""
        return Reply("")

    with pytest.raises(RuntimeError, match="declares no right"):
        Registry().add(Command(("free",), handler, needs))


def test_a_command_without_a_summary_stops_the_start() -> None:
    async def silent(ctx: object) -> Reply:
        return Reply("")

    with pytest.raises(RuntimeError, match="no summary"):
        Registry().add(Command(("silent",), silent, "bot.silent"))


def test_a_module_gives_the_commands_that_it_defines_and_no_imported_ones() -> None:
    module = ModuleType(__name__)
    vars(module).update(one=ping, again=migrate, nothing=3)
    other = ModuleType("somewhere.else")
    vars(other).update(borrowed=say)
    registry = Registry()

    registry.add_from([module, other])

    assert [each.name for each in registry] == ["migrate", "ping"]


def test_commands_are_found_by_their_longest_path(registry: Registry) -> None:
    assert registry.find(["domu", "show", "vm"]) is domu_show
    assert registry.find(["migrate", "vm", "fz"]) is migrate
    assert registry.find(["domu"]) is None
    assert registry.find([]) is None


def test_commands_are_listed_by_name(registry: Registry) -> None:
    assert [each.name for each in registry] == ["domu list", "domu show", "migrate", "ping", "say"]


@pytest.mark.parametrize(
    ("typed", "says", "hints", "wrong"),
    [
        ("migrat vm fz", "no command migrat", "Did you mean migrate?", 0),
        ("zzzzz", "no command zzzzz", "!help", 0),
        ("domu", "domu wants one more word", "domu list, domu show", 1),
        ("domu shoe vm", "domu has no command shoe", "Did you mean domu show", 1),
        ("domu zzzzz", "domu has no command zzzzz", "domu list, domu show", 1),
        ("domulist", "no command domulist", "domu list", 0),
    ],
)
def test_an_unknown_command_gets_a_suggestion(
    registry: Registry, typed: str, says: str, hints: str, wrong: int
) -> None:
    error = registry.unknown(typed.split(), registry)

    assert says in str(error)
    assert hints in error.hint
    assert error.word == wrong


def test_suggestions_name_only_what_the_asker_may_run(registry: Registry) -> None:
    for typed in ("migrat", "domu", "domu shw", "domu migrate"):
        error = registry.unknown(typed.split(), [ping, domu_list])

        assert "domu show" not in f"{error} {error.hint}"
        assert "Did you mean migrate" not in error.hint


def test_an_unknown_command_reads_as_a_forbidden_group(registry: Registry) -> None:
    hidden = registry.unknown(["domu", "show"], [ping])
    absent = registry.unknown(["vdisk", "show"], [ping])

    assert str(hidden).replace("domu", "vdisk") == str(absent)
    assert hidden.hint == absent.hint


def test_what_is_said_of_an_unknown_command_is_clean(registry: Registry) -> None:
    error = registry.unknown(["x" * 10_000, "\x1b[31m"], registry)

    assert len(str(error)) < 100
