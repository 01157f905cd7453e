"""Every recorded ending of `xl destroy`, and the words by which the bot sends it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.toolstacks.xl import XlToolstack
from bot.devices.toolstacks.xl_destruction import read
from bot.errors import Refused
from bot.lab.xl import texts
from tests.devices.recordings import recording, recordings
from tests.devices.scripted import ScriptedSession

FAILED = {
    "44-destroy-unknown": "xl found no such domain.",
    "45-destroy-dom0": "xl does not destroy the Dom0 itself.",
    "46-destroy-0": "xl does not destroy the Dom0 itself.",
    "57-not-root": "The host does not let the bot run xl.",
}


def test_every_recorded_destruction_is_in_this_file() -> None:
    recorded = {one.name for one in recordings() if one.command.startswith("xl destroy")}

    # 79 and 82 only clear up
    assert recorded == {*FAILED, "98-destroy", "79-ballast-gone", "82-other-gone"} - {"57-not-root"}


def test_the_recorded_success_is_silent_and_reports_no_failure() -> None:
    output = recording("98-destroy").output

    assert output.stderr == ""
    assert read(output.exit, output.stderr) == ""


@pytest.mark.parametrize("name", FAILED)
def test_a_recorded_failure_is_told_in_one_sentence(name: str) -> None:
    output = recording(name).output

    assert read(output.exit, output.stderr) == FAILED[name]


def test_what_was_not_recorded_is_told_by_its_first_line() -> None:
    said = read(1, texts.unable_to_destroy(7) + texts.destroy_failed(-3))

    assert said.startswith("xl could not destroy it: libxl: error: ")
    assert "Unable to destroy guest" in said
    assert read(1, texts.destruction_failed(7)) == "xl found no such domain."
    assert read(137, "") == "xl ended with exit code 137 and without a word."


@given(st.integers(1, 255), st.text())
def test_a_failure_is_always_one_sentence_that_is_fit_for_chat(code: int, stderr: str) -> None:
    said = read(code, stderr)

    assert said
    assert said.isprintable()
    assert len(said) < 300


def test_a_domain_is_named_by_its_number_and_never_the_dom0_or_xens_own() -> None:
    xl = XlToolstack("fy", ScriptedSession({}))

    assert xl.destroy_words(7) == ("sudo", "xl", "destroy", "7")
    assert xl.destroy_words(0x7FEF) == ("sudo", "xl", "destroy", "32751")
    for domid in (0, -1, 0x7FF0, 10**6):
        with pytest.raises(Refused):
            xl.destroy_words(domid)
