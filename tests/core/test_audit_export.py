"""The record for other programs: each line read back by a small strict parser of RFC 5424."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.audit import GENESIS, Entry, seal
from bot.core.audit_export import json_line, syslog_line

AT = "2026-11-25T03:00:00.250+00:00"
VALUES = st.text(max_size=20) | st.integers() | st.none() | st.lists(st.text(max_size=5))
DATA = st.dictionaries(
    st.sampled_from(["person", "sender", "job", "verb", "line", "state", 'a"]']), VALUES
)

#: section 6 of the RFC, as strict as it is written there
HEADER = re.compile(
    r"<(?P<pri>[0-9]{1,3})>1 "
    r"(?P<time>-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})) "
    r"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) "
)
NAME = r"[!#-<>-\\^-~]{1,32}"
VALUE = r"\"(?:[^\"\\\]]|\\[\"\\\]])*\""
ELEMENT = re.compile(rf"\[(?P<id>{NAME})(?P<params>(?: {NAME}={VALUE})*)\]")
PARAM = re.compile(r" ([^= ]+)=\"((?:[^\"\\\]]|\\.)*)\"")


def read(line: str) -> tuple[dict[str, str], dict[str, str], str]:
    """The header, the parameters and the message of a line, all of it."""
    header = HEADER.match(line)
    assert header is not None, line
    element = ELEMENT.match(line, header.end())
    assert element is not None, line
    assert element["id"] == "nounou@32473"
    rest = line[element.end() :]
    assert rest.startswith(" ")
    params = {
        name: re.sub(r"\\(.)", r"\1", value) for name, value in PARAM.findall(element["params"])
    }
    return header.groupdict(), params, rest[1:]


def entry(data: dict[str, Any], kind: str = "asked", at: str = AT) -> Entry:
    return seal(7, at, kind, data, GENESIS)


def test_a_line_says_who_did_what_and_can_be_verified() -> None:
    one = entry({"person": "anna", "job": 3, "verb": "domu.migrate"}, "ended")

    assert syslog_line(one, "fy.example.org") == (
        "<109>1 2026-11-25T03:00:00.250+00:00 fy.example.org nounou - ended "
        f'[nounou@32473 number="7" hash="{one.hash}" previous="{GENESIS}" kind="ended"'
        ' person="anna" job="3" verb="domu.migrate"]'
        ' {"job": 3, "person": "anna", "verb": "domu.migrate"}'
    )


@given(DATA, st.text(max_size=40), st.text(max_size=300), st.just(AT) | st.text(max_size=30))
def test_every_line_is_read_back_whatever_is_in_it(
    data: dict[str, Any], kind: str, host: str, at: str
) -> None:
    one = entry(data, kind, at)

    line = syslog_line(one, host)
    header, params, message = read(line)

    assert line.splitlines() == [line]
    assert (header["app"], header["proc"]) == ("nounou", "-")
    assert header["time"] == (at if at == AT else "-")
    assert (params["number"], params["hash"], params["previous"]) == ("7", one.hash, GENESIS)
    # all that the hash is made of is there
    assert seal(7, at, kind, json.loads(message), params["previous"]).hash == params["hash"]


def test_what_would_end_a_value_is_escaped() -> None:
    line = syslog_line(entry({"person": 'a"] b\\'}), "h")

    assert r'person="a\"\] b\\"' in line
    assert read(line)[1]["person"] == 'a"] b\\'


def test_no_entry_makes_a_second_line() -> None:
    line = syslog_line(entry({"person": "a\nb", "line": "x\r\n\u2028<13>1 - - - - - -"}), "h")

    assert line.splitlines() == [line]
    assert read(line)[1]["person"] == "a b"


@pytest.mark.parametrize(
    ("kind", "data", "priority"),
    [
        ("asked", {}, "109"),
        ("ended", {"state": "succeeded"}, "109"),
        ("denied", {}, "108"),
        ("denied again", {}, "108"),
        ("not approved", {}, "108"),
        ("ended", {"state": "undetermined"}, "108"),
    ],
)
def test_denials_and_what_nobody_knows_are_warnings(
    kind: str, data: dict[str, Any], priority: str
) -> None:
    header, params, _message = read(syslog_line(entry(data, kind), "h"))

    assert header["pri"] == priority
    assert header["msgid"] == kind.replace(" ", "-")
    assert params["kind"] == kind


@given(DATA, st.text(max_size=10))
def test_a_line_of_json_is_the_whole_entry(data: dict[str, Any], kind: str) -> None:
    one = entry(data, kind)

    line = json_line(one)

    assert line.isascii()
    assert "\n" not in line
    assert Entry(**json.loads(line)) == one
