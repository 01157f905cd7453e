"""Which commands may be used in which room."""

from __future__ import annotations

import pytest

from bot.core.command import Command, command
from bot.core.render import Reply
from bot.core.rooms import Rooms

MAIN, AUDIT, HELP, SHUT = "#main:here", "#audit:here", "#help:here", "#shut:here"
ROOMS = Rooms(MAIN, AUDIT, {HELP: ("bot.*", "domu.list"), AUDIT: ("audit.*",), SHUT: ()})


def a_command(needs: str, risk: str) -> Command:
    @command("it", needs=needs, risk=risk)
    async def it(ctx: object) -> Reply:
        """Do it."""
        return Reply("done")

    return it


@pytest.mark.parametrize(
    ("needs", "risk", "rooms"),
    [
        ("bot.ping", "reads", [MAIN, HELP]),
        ("domu.list", "reads", [MAIN, HELP]),
        ("domu.show", "reads", [MAIN]),
        ("audit.tail", "reads", [MAIN, AUDIT]),
        ("bot.restart", "interrupts", [MAIN, HELP]),
        ("domu.migrate", "interrupts", [MAIN]),
    ],
)
def test_a_room_with_a_list_takes_what_is_on_it_and_any_other_takes_all(
    needs: str, risk: str, rooms: list[str]
) -> None:
    assert ROOMS.that_take(a_command(needs, risk)) == rooms


@pytest.mark.parametrize("risk", ["reads", "changes", "interrupts", "destroys"])
@pytest.mark.parametrize("private", ["!aside:here", "", "#main:elsewhere"])
def test_in_private_one_may_only_ask(risk: str, private: str) -> None:
    assert ROOMS.take(private, a_command("domu.show", risk)) is (risk == "reads")


@pytest.mark.parametrize("risk", ["reads", "destroys"])
def test_the_local_chat_counts_as_the_main_room(risk: str) -> None:
    narrow = Rooms(MAIN, commands={MAIN: ("domu.*",)})

    assert ROOMS.take("local:anna", a_command("volume.delete", risk))
    assert narrow.take("local:anna", a_command("domu.show", risk))
    assert not narrow.take("local:anna", a_command("bot.ping", risk))
    assert not ROOMS.is_private("local:anna")


def test_each_room_of_the_config_is_named_once() -> None:
    assert ROOMS.names == (MAIN, AUDIT, HELP, SHUT)
    assert Rooms(MAIN, MAIN).names == (MAIN,)
