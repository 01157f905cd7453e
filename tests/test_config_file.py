"""A file that is no configuration at all still gets a sentence with a line, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.config import problems
from bot.config_file import Source
from bot.config_values import seconds_of


def said(folder: Path, text: str | bytes) -> list[str]:
    path = folder / "nounou.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [str(problem) for problem in problems(path)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1: the file has no keys; write lines like site: example"),
        ("- a\n- b\n", "line 1: the file does not start with a key"),
        ("site: [a\nstate: b\n", "line 2: this is not YAML: expected ',' or ']'"),
        ("site: a\n\tstate: b\n", "line 2: this is not YAML: found character '\\t'"),
        ("site: a\nsite: b\n", "line 2, site: the key stands here again, after line 1; keep one"),
        ("hosts:\n  fy: {a: 1, a: 2}\n", "line 2, hosts.fy.a: the key stands here again"),
        ("site: !!python/name:os.system x\n", "line 1: this is not YAML"),
        ("site: *nowhere\n", "line 1: this is not YAML: found undefined alias"),
        ("a: &b {c: *b}\n", "line 1"),
        ("? [a]\n: b\n", "line 1: this is not YAML"),
        ("site: a\n---\nsite: b\n", "line 2: this is not YAML: but found another document"),
        (b"site: \xff\xfe\n", "is not UTF-8 text; name a YAML file"),
        ("site: a\nstate: a\x00b\n", "line 2: the sign with the code 0 may not stand here; remove"),
        ("[" * 3000, "this is not YAML"),
    ],
)
def test_what_is_no_configuration_gets_a_sentence(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    assert expected in said(tmp_path, text)[0]


def test_broken_yaml_says_the_column_too(tmp_path: Path) -> None:
    assert "at column 2" in said(tmp_path, "site: [a\nb: c\n")[0]


@pytest.mark.parametrize("path", ["nothing.yaml", "."])
def test_a_file_that_cannot_be_read_gets_a_sentence(tmp_path: Path, path: str) -> None:
    assert "cannot be read" in str(problems(tmp_path / path)[0])


@pytest.mark.parametrize("word", ["no", "on", "yes", "2026-11-23", "1e3", "0x10", "010", "12:30"])
def test_words_that_old_yaml_takes_for_something_else_stay_texts(tmp_path: Path, word: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"site: {word}\n", encoding="utf-8")

    assert Source.read(path).data == {"site": word}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("2m", 120), ("1h", 3600), ("1d", 86400), ("500ms", 0.5), (7, 7), (0.5, 0.5)],
)
def test_durations_are_read_into_seconds(text: object, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1s", "1 2", "s", "10 minutes", True, None, [1], "٣s"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds_of(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"{{}: 1}")
@example(b"!!int site: 1")
@example(b"a: !!int b")
@example(b"? !!float x\n: 1")
def test_no_file_whatever_its_content_brings_more_than_sentences(
    tmp_path: Path, content: bytes
) -> None:
    assert said(tmp_path, content)


_keys = st.sampled_from(
    ["site", "hosts", "fy", "members", "roles", "chat", "kind", "ids", "timing"]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | _keys,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_keys, _values, min_size=1, max_size=6))
def test_values_in_the_wrong_places_bring_sentences_with_lines(
    tmp_path: Path, tree: dict[str, object]
) -> None:
    import yaml

    sentences = said(tmp_path, yaml.safe_dump(tree, allow_unicode=True))

    assert sentences
    assert all(sentence.startswith("line ") for sentence in sentences)
