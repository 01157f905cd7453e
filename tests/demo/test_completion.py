"""What Tab offers at the prompt."""

from __future__ import annotations

import pytest

from bot.core.command import Registry
from bot.demo.completion import CLOCKS, FAULTS, SCENES, WHETHER, Vocabulary
from bot.lab import faults
from bot.lab.clocks import meddling
from bot.lab.consoles import scenes
from bot.plugins import modules_in


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    registry = Registry()
    registry.add_from(modules_in("commands"))
    names = {
        "dom0": ["fy", "fz"],
        "device": ["fy", "fy-ilo", "nols"],
        "domu": ["vm", "zamok"],
        "person": ["apprenti"],
        "code": ["AB2CD3"],
        "machine": ["fy", "vm"],
        "fault": FAULTS,
        "scene": SCENES,
        "clock": CLOCKS,
        "whether": WHETHER,
    }
    return Vocabulary("!", names, list(registry))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("!mig", ["!migrate"]),
        ("!domu ", ["destroy", "list", "show"]),
        ("!job s", ["settle", "show"]),
        ("!migrate ", ["--dry-run", "vm", "zamok"]),
        ("!migrate v", ["vm"]),
        ("!approve ", ["AB2CD3"]),
        ("!deny A", ["AB2CD3"]),
        ("!deny AB2CD3 ", []),
        ("!migrate vm f", ["fy", "fz"]),
        ("!migrate vm fz ", ["--dry-run"]),
        ("!migrate --dry-run vm f", ["fy", "fz"]),
        ("!migrate vm fz --dry-run ", []),
        ("!help mig", ["migrate"]),
        ("!help domu ", ["destroy", "list", "show"]),
        ("!ping ", []),
        ("!nothing ", []),
        ("/a", ["/as"]),
        ("/as ", ["apprenti"]),
        ("/as apprenti ", []),
        ("/as apprenti !migrate v", ["vm"]),
        ("/as  apprenti  !approve ", ["AB2CD3"]),
        ("/as apprenti /s", []),
        ("/sign ", ["apprenti"]),
        ("/fault han", ["handover-failure", "handover-lost", "hang", "hang-host"]),
        ("/fault hang ", ["fy", "fy-ilo", "nols"]),
        ("/console v", ["vm"]),
        ("/console vm pa", ["panic", "password"]),
        ("/clock f", ["fy"]),
        ("/clock vm s", ["server", "service", "step", "stray"]),
        ("/clock vm service ", ["alive", "dead"]),
        ("/clock vm step ", []),
        ("/link v", ["vm"]),
        ("/link vm ", []),
        ("hello ", []),
        ("", []),
    ],
)
def test_the_last_word_is_completed(words: Vocabulary, line: str, offered: list[str]) -> None:
    assert words.candidates(line) == offered


def test_the_prompt_knows_every_fault_of_the_site() -> None:
    assert set(FAULTS) - {"clear"} == faults.KEPT | faults.AT_ONCE


def test_the_prompt_knows_every_scene_of_the_site() -> None:
    assert SCENES == scenes.SCENES


def test_the_prompt_knows_all_that_can_happen_to_a_clock() -> None:
    assert set(CLOCKS) == set(meddling.CLOCKS)


def test_commands_that_are_not_known_yet_offer_nothing() -> None:
    assert Vocabulary("!", {}).candidates("!mig") == []
