"""What the bot is put together from, by its configuration."""

from __future__ import annotations

from bot.app import rooms_of
from bot.config import Config
from bot.config import Rooms as RoomsConfig
from bot.core.rooms import Rooms

MAIN, AUDIT, HELP = "#main:here", "#audit:here", "#help:here"


def rooms(**values: object) -> Rooms:
    config = RoomsConfig.model_validate({"main": MAIN, **values})
    return rooms_of(Config.model_construct(rooms=config))


def test_rooms_take_what_the_configuration_says() -> None:
    found = rooms(audit=AUDIT, commands={HELP: ["bot.*", "domu.list"]})

    assert found == Rooms(MAIN, AUDIT, {HELP: ("bot.*", "domu.list")})


def test_the_record_is_in_the_main_room_where_the_configuration_names_no_other() -> None:
    assert rooms().names == (MAIN,)
