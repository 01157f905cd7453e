"""A second pair of eyes, from whole processes: plans that wait for a person, as scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.played import play

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

POLICY = """
members:
  nounou: {ids: ['@nounou:example.org'], roles: [nounou]}
  nounou2: {ids: ['@nounou2:example.org'], roles: [nounou]}
  apprenti: {ids: ['@apprenti:example.org'], roles: [apprenti]}
roles:
  nounou: {allow: ['*']}
  apprenti: {allow: ['bot.*', 'domu.show', 'access.*']}
"""
STAYS = "bot: vm is on fy: running."


#: as the lab's own policy has it: what destroys wants a second person
DESTROY = """
!domu destroy owl
!approve {code}
!domu destroy owl
& @nounou2 !approve {code}
wait
!domu show owl
"""


def rules(folder: Path, approvals: str) -> list[str]:
    """The options of a demonstration whose policy asks for *approvals*."""
    file = folder / "policy.yaml"
    file.write_text(f"{POLICY}\napprovals: {{{approvals}}}\n", "utf-8")
    return ["--terminal", "--policy", str(file)]


def test_a_plan_runs_once_another_person_has_approved_it(folder: Path) -> None:
    options = rules(folder, "interrupts: second")

    code, transcript, said = play(
        folder, *options, script="!migrate vm fz\n@nounou2 !approve {code}\n"
    )

    assert code == 0, said
    assert "bot: ✔ vm runs on fz, and only there." in transcript


def test_neither_its_asker_nor_somebody_without_the_right_approves_a_plan(folder: Path) -> None:
    options = rules(folder, "interrupts: second")

    code, transcript, said = play(
        folder,
        *options,
        script="""
            !migrate vm fz
            !approve {code}
            !migrate vm fz
            @apprenti !approve {code}
            !migrate vm fz
            @nounou2 !deny {code} not before the backup
            !domu show vm
        """,
    )

    assert code == 1, said
    assert any("another person has to approve it" in line for line in transcript)
    assert any("you may not run its command" in line for line in transcript)
    assert any("not before the backup" in line for line in transcript)
    assert STAYS in transcript


def test_a_code_is_used_once_and_not_after_it_has_expired(folder: Path) -> None:
    options = rules(folder, "interrupts: confirm, expire: 2s")

    code, transcript, said = play(
        folder,
        *options,
        script="!migrate vm fz\nsleep 3\n!confirm {code}\n!domu show vm\n",
    )

    assert code == 1, said
    assert any("has expired" in line for line in transcript)
    assert STAYS in transcript


def test_who_asked_confirms_and_nobody_else(folder: Path) -> None:
    options = rules(folder, "interrupts: confirm")

    code, transcript, said = play(
        folder,
        *options,
        script="""
            !migrate vm fz
            @nounou2 !confirm {code}
            !migrate vm fz
            !confirm {code}
        """,
    )

    assert code == 1, said
    assert any("can confirm it" in line for line in transcript)
    assert "bot: ✔ vm runs on fz, and only there." in transcript


@pytest.mark.parametrize(
    "options", [["--terminal"], [], ["--plain"]], ids=["terminal", "encrypted", "plain"]
)
def test_in_the_lab_a_second_person_approves_what_destroys(
    folder: Path, options: list[str]
) -> None:
    code, transcript, said = play(folder, *options, script=DESTROY)

    assert code == 1, said
    assert any("another person has to approve it" in line for line in transcript)
    assert any(line.startswith("bot: ✔ owl is destroyed") for line in transcript)
    assert any(line.startswith("bot: owl is stopped") for line in transcript)
