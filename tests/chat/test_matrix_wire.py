"""Reading the JSON of a homeserver, whatever somebody wrote into it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.matrix_wire import DEEPEST, Busy, Wire, parsed, parsed_whole, path_of, shallow
from tests.chat.homeserver import FakeHomeserver, raw

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.text())
def test_no_text_whatever_raises(text: str) -> None:
    assert parsed(text) is None or isinstance(parsed(text), dict)


@given(json_values)
def test_what_is_not_deep_is_read_as_it_is(value: Any) -> None:
    assert json.loads(shallow(json.dumps(value))) == value


@pytest.mark.parametrize("levels", [DEEPEST + 1, 500, 100_000])
def test_only_what_is_too_deep_is_left_out(levels: int) -> None:
    text = '{"a": "[{\\"", "deep": ' + '[{"x":' * levels + "1" + "}]" * levels + ', "b": 2}'

    value = json.loads(shallow(text))

    assert (value["a"], value["b"]) == ('[{"', 2)
    depth = 0
    while isinstance(value, dict | list):
        value = value[0] if isinstance(value, list) else value.get("deep", value.get("x"))
        depth += 1
    assert depth == DEEPEST
    assert value is None


TORN = ["", "{", '{"a": ', '{"a": "b', "null", "[" * 100_000, '{"a":' * 100_000, "]" * 100_000]


@pytest.mark.parametrize("torn", TORN, ids=range(len(TORN)))
def test_what_is_no_object_is_none(torn: str) -> None:
    assert parsed(torn) is None


@pytest.mark.parametrize(
    "torn", ['"' + '\\"' * 500_000, '{"a": "' + "\\\\" * 500_000, '"' * 1_000_001]
)
def test_a_text_that_is_never_closed_is_read_once(torn: str) -> None:
    """Looked for anew from each of its quotes, a megabyte would take days."""
    assert parsed(torn) is None


def test_of_what_one_person_wrote_nothing_is_read_where_a_part_is_no_good() -> None:
    deep = '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"

    assert parsed(deep) is not None
    assert parsed_whole(deep) is None
    assert parsed_whole('{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("digits", [4_299, 4_301, 50_000])
def test_a_number_of_more_digits_than_python_reads_hides_only_itself(digits: int) -> None:
    value = parsed('{"next_batch": "s1", "x": [-' + "1" * digits + '], "y": 2}')

    assert value is not None
    assert (value["next_batch"], value["y"]) == ("s1", 2)


def test_every_part_of_a_path_is_quoted() -> None:
    path = path_of("rooms", "!a/b?c#d", "send", "m.room.message", "job 7/1", since="s1&x=2")

    assert path == (
        "/_matrix/client/v3/rooms/%21a%2Fb%3Fc%23d/send/m.room.message/job%207%2F1?since=s1%26x%3D2"
    )


async def test_an_answer_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chat.matrix_wire.MOST_BYTES", 10_000)
    homeserver = FakeHomeserver()
    homeserver.misbehave("/sync", raw(b'{"a":"' + b"x" * 100_000 + b'"}'))
    async with homeserver.running() as url:
        wire = Wire(url, 5.0)
        try:
            with pytest.raises(Busy, match="too much"):
                await wire.ask("GET", path_of("sync"))
        finally:
            await wire.close()
