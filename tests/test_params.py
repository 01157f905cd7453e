"""The argument types: a word becomes a value, or the asker hears why not."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import params
from bot.core.grammar import ArgumentType
from bot.core.holds import HoldKind
from bot.engine.sought import Sought
from bot.errors import UsageError


class Everything:
    """A `Lookup` that knows each name that it is asked for, and keeps it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def find(self, kind: str, text: str) -> Any:
        self.asked.append((kind, text))
        return f"{kind} {text}"


def convert(hint: object, text: str, lookup: Everything | None = None) -> Any:
    [argument] = [each for each in get_args(hint) if isinstance(each, ArgumentType)]
    return argument.convert(text, lookup or Everything())


@pytest.mark.parametrize("name", ["vm", "VM2", "vm-root", "a.b_c", "9", "x" * 64])
def test_a_name_is_looked_up(name: str) -> None:
    assert convert(params.DomU, name) == f"domu {name}"
    assert convert(params.Dom0, name) == f"dom0 {name}"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-rf",
        "--",
        ".hidden",
        "..",
        "a..b",
        "../etc",
        "vm;reboot",
        "$(reboot)",
        "`id`",
        "vm fz",
        "vm\nfz",
        "vm\n",
        "vm\0",
        "vm|x",
        "vm*",
        "é",
        "٣",
        "x" * 65,
        "x" * 10_000,
    ],
)
def test_what_is_no_name_is_refused_before_anything_is_asked(name: str) -> None:
    lookup = Everything()

    for hint in (params.DomU, params.Dom0):
        with pytest.raises(UsageError, match="is not a name") as caught:
            convert(hint, name, lookup)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 100

    assert lookup.asked == []


@given(st.text())
def test_whatever_is_looked_up_cannot_be_an_option_a_path_or_shell(text: str) -> None:
    lookup = Everything()
    try:
        convert(params.DomU, text, lookup)
    except UsageError:
        assert lookup.asked == []
        return
    assert text[0] != "-"
    assert not set(text) & set(" /;$`|&<>()'\"\\*?\n\0")


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("#7", 7), ("007", 7), ("9" * 9, 999999999)]
)
def test_a_job_is_named_by_its_number(text: str, number: int) -> None:
    assert convert(params.JobNumber, text) == number


@pytest.mark.parametrize("text", ["", "#", "-1", "1.5", "seven", "٣", "9" * 10, "1e3", "7\n"])
def test_what_is_no_number_of_a_job_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not the number of a job"):
        convert(params.JobNumber, text)


@pytest.mark.parametrize("text", ["1", "10", "100"])
def test_a_count_is_small(text: str) -> None:
    assert convert(params.Count, text) == int(text)


@pytest.mark.parametrize("text", ["0", "101", "999", "-1", "x", "", "٣", "1\n"])
def test_a_count_that_is_none_or_too_large_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="from 1 to 100"):
        convert(params.Count, text)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("vm", None, "vm"),
        ("domu:vm", HoldKind.DOMU, "vm"),
        ("host:fz", HoldKind.HOST, "fz"),
        ("volume:vm-root", HoldKind.VOLUME, "vm-root"),
    ],
)
def test_what_can_be_held_is_a_name_with_or_without_its_kind(
    text: str, kind: HoldKind | None, name: str
) -> None:
    sought = convert(params.Holdable, text)

    assert sought == Sought(name, kind)
    assert str(sought) == text


def test_a_right_meets_a_word_however_it_is_typed() -> None:
    """A denial would mean less than it reads if another spelling of the same passed by it."""
    spellings = {
        params.Switch: ("off", ["off", "OFF", "Off"]),
        params.Holdable: ("vm", ["vm", "domu:vm", "host:vm", "volume:vm"]),
        params.JobNumber: ("7", ["7", "#7", "007", "#07"]),
        params.Number: ("7", ["7", "#7", "007"]),
        params.Count: ("7", ["7", "07", "007"]),
    }
    for hint, (written, typed) in spellings.items():
        [argument] = [each for each in get_args(hint) if isinstance(each, ArgumentType)]
        assert argument.written is not None
        assert {argument.written(convert(hint, text)) for text in typed} == {written}


@pytest.mark.parametrize("text", ["lun:7", "maintenance:fz", ":vm", "domu:", "domu:domu:vm", "-rf"])
def test_what_cannot_be_held_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        convert(params.Holdable, text)


def test_a_person_is_looked_up_and_rights_see_who_it_is() -> None:
    [argument] = [each for each in get_args(params.Person) if isinstance(each, ArgumentType)]
    lookup = Everything()

    person = argument.convert("@anna:localhost", lookup)

    assert lookup.asked == [("person", "@anna:localhost")]
    assert argument.written is not None
    assert argument.written(person) == person


@given(st.text())
def test_whatever_is_held_has_a_name(text: str) -> None:
    try:
        sought = convert(params.Holdable, text)
    except UsageError:
        return
    assert convert(params.DomU, sought.name) == f"domu {sought.name}"
    assert convert(params.Holdable, str(sought)) == sought


@pytest.mark.parametrize(("text", "on"), [("on", True), ("off", False), ("ON", True)])
def test_a_switch_is_on_or_off(text: str, on: bool) -> None:
    assert convert(params.Switch, text) is on


@pytest.mark.parametrize("text", ["", "yes", "1", "onn", "\u212aon"])
def test_anything_else_is_no_position_of_a_switch(text: str) -> None:
    with pytest.raises(UsageError, match="neither on nor off"):
        convert(params.Switch, text)
