"""Every recorded ending of `xl migrate`, and the dangerous one that could not be recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.toolstacks.xl_migration import read
from tests.devices.recordings import recording, recordings

GOOD = [
    "81x-migrate-beta-ok",
    "84-migrate-to-self",
    "90-migrate-alpha",
    "pvh-migrate-1",
    "shadow-pv-migrate",
    "shadow-pv-migrate-back",
]
BAD = {
    "70-migrate-unknown-domain": "The source has no domain nosuch",
    "71-migrate-unknown-host": "does not know the address of nohost",
    "72-migrate-no-route": "cannot reach 10.77.0.99 (No route to host)",
    "73-migrate-connection-refused": "cannot reach fz (Connection refused)",
    "74-migrate-no-permission": "does not let the source's root log in",
    "75-migrate-unknown-host-key": "does not know the target's ssh host key",
    "78-migrate-no-memory": "ran out of memory",
    "81-migrate-name-taken": "already has a domain named alpha",
    "83-migrate-dom0": "stays where it was: xc: error: Failed to map shared info frame",
    "stock-pv-migrate": "no shadow paging",
    "stock-pv-migrate-2": "no shadow paging",
}
#: xen tools/xl/xl_migrate.c (reference, not recorded)
HANDSHAKE = """\
** Migration failed during final handshake **
Domain state is now undefined !
Please CHECK AT BOTH ENDS for running instances, before renaming and
 resuming at most one instance.  Two simultaneous domains is NOT SAFE!
"""


def test_every_recorded_migration_is_in_this_file() -> None:
    recorded = {one.name for one in recordings() if "xl migrate " in one.command}

    assert recorded == {*GOOD, *BAD, "90-during-migration", "94-migrate-cut"}


@pytest.mark.parametrize("name", GOOD)
def test_a_recorded_success_is_one(name: str) -> None:
    outcome = read(0, recording(name).output.stderr)

    assert outcome.succeeded
    assert not outcome.undefined


@pytest.mark.parametrize("name", BAD)
def test_a_recorded_failure_is_told_in_one_sentence(name: str) -> None:
    output = recording(name).output

    outcome = read(output.exit, output.stderr)

    assert not outcome.succeeded
    assert not outcome.undefined
    assert BAD[name] in outcome.reason
    assert outcome.reason.isprintable()


def test_a_cut_transport_is_told_from_other_failures() -> None:
    """94-migrate-cut is a script around xl that ends with 0; xl itself gave 1 ("rc=1")."""
    outcome = read(1, recording("94-migrate-cut").output.stderr)

    assert not outcome.undefined
    assert "link between the hosts was cut" in outcome.reason


def test_a_failed_handshake_is_undefined_whatever_else_was_said() -> None:
    stderr = recording("90-migrate-alpha").output.stderr

    for text in (HANDSHAKE, stderr + HANDSHAKE, HANDSHAKE + stderr):
        for code in (0, 1):
            outcome = read(code, text)
            assert outcome.undefined
            assert not outcome.succeeded


def test_a_guest_that_could_not_be_resumed_is_not_said_to_go_on() -> None:
    stderr = recording("81-migrate-name-taken").output.stderr

    outcome = read(1, stderr.replace("migration sender: Resumed OK.\n", ""))

    assert outcome.undefined
    assert "nor the source resume it" in outcome.reason


@pytest.mark.parametrize("name", [*GOOD, "78-migrate-no-memory", "81-migrate-name-taken"])
def test_an_output_that_was_cut_anywhere_after_the_start_is_undefined(name: str) -> None:
    """xl was killed: nobody may conclude from half a text that the guest stayed."""
    lines = recording(name).output.stderr.splitlines(keepends=True)
    end = next(i for i, line in enumerate(lines) if line.startswith("Migration "))

    for cut in range(1, end):
        assert read(137, "".join(lines[:cut])).undefined, lines[cut]


def test_success_needs_both_the_words_and_the_exit_code() -> None:
    stderr = recording("90-migrate-alpha").output.stderr

    assert read(1, stderr).undefined
    assert read(0, "").undefined
    assert read(255, "").undefined


@given(st.integers(-15, 255), st.text())
def test_any_text_gives_a_sentence(code: int, text: str) -> None:
    outcome = read(code, text)

    assert outcome.reason
    assert not outcome.succeeded
