"""The bot's own identity: made once, kept, never taken from somebody."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.chat.crossing import Secrets, identity_of
from bot.chat.matrix_crypto_self import IDENTITY, RESET
from bot.errors import ConfigError
from tests.chat.key_server import KeyServer, Person


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def bot(server: KeyServer, tmp_path: Path) -> AsyncIterator[Person]:
    person = Person(server, "bot", tmp_path)
    yield person
    person.crypto.close()


def shown(bot: Person) -> tuple[str | None, bool]:
    """The master key that others see, and whether the device is signed by it."""
    query = bot.server._query([bot.user])
    identity = identity_of(query, bot.user)
    return identity.master, identity.devices[bot.account.device_id].signed


async def again(bot: Person) -> None:
    bot.crypto.close()
    bot.begin()
    await bot.start()


async def test_the_first_start_makes_an_identity_and_keeps_it(bot: Person) -> None:
    await bot.start()

    master, signed = shown(bot)
    file = bot.folder / IDENTITY
    kept = Secrets.kept(file, bot.user)
    assert kept is not None
    assert (master, signed) == (kept.master.public, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert bot.crypto.reports() == ()


async def test_a_later_start_uploads_nothing(bot: Person) -> None:
    await bot.start()
    bot.server.asked.clear()

    await again(bot)

    assert bot.server.asked == ["POST keys/query"]


async def test_a_lost_signature_is_made_again(bot: Person) -> None:
    await bot.start()
    bot.unsign()

    await again(bot)

    assert shown(bot)[1]


async def test_what_the_homeserver_lost_is_given_to_it_again(bot: Person) -> None:
    await bot.start()
    before = shown(bot)
    bot.server.cross.clear()
    bot.server.devices.clear()

    await again(bot)

    assert shown(bot) == before


async def test_a_new_login_publishes_the_keys_again(bot: Person) -> None:
    await bot.start()
    before = shown(bot)
    bot.server.devices.clear()  # a logout takes the device away
    bot.server.one_time.clear()
    bot.account.logins += 1

    await bot.sync()

    assert shown(bot) == before
    assert len(bot.server.one_time[bot.user, "BOT1"]) == 50


async def test_the_password_is_given_where_it_is_asked_for(bot: Person) -> None:
    bot.server.trusting = False

    await bot.start()

    assert shown(bot)[1]


async def test_without_a_password_the_bot_goes_on_unsigned_and_says_so_once(bot: Person) -> None:
    bot.server.trusting = False
    bot.account.password = False

    await bot.start()

    (report,) = bot.crypto.reports()
    assert "does not take the bot's cross-signing keys" in report.sentence
    assert bot.crypto.reports() == ()
    bot.server.trusting = True
    await again(bot)
    assert shown(bot)[1]


async def test_the_identity_of_somebody_else_is_never_replaced(bot: Person) -> None:
    theirs = Secrets.make(bot.user)
    bot.server.cross[bot.user] = theirs.publication()

    await bot.start()

    assert shown(bot) == (theirs.master.public, False)
    (report,) = bot.crypto.reports()
    assert "that the bot does not hold" in report.sentence
    assert len(report.key) < 100
    assert not (bot.folder / IDENTITY).exists()


async def test_an_identity_that_took_the_place_of_ours_is_not_replaced_either(bot: Person) -> None:
    await bot.start()
    theirs = Secrets.make(bot.user)
    bot.server.cross[bot.user] = theirs.publication()

    await bot.sync(device_lists={"changed": [bot.user]})

    assert shown(bot) == (theirs.master.public, False)
    assert len(bot.crypto.reports()) == 1


async def test_on_request_the_identity_is_replaced_once(bot: Person) -> None:
    bot.server.cross[bot.user] = Secrets.make(bot.user).publication()
    await bot.start()
    (bot.folder / RESET).touch()

    await again(bot)

    master, signed = shown(bot)
    kept = Secrets.kept(bot.folder / IDENTITY, bot.user)
    assert kept is not None
    assert (master, signed) == (kept.master.public, True)
    assert not (bot.folder / RESET).exists()


async def test_a_spoilt_file_stops_the_bot_and_stays(bot: Person) -> None:
    await bot.start()
    (bot.folder / IDENTITY).write_text(json.dumps({"user": bot.user}))

    with pytest.raises(ConfigError, match="does not hold the signing keys"):
        await again(bot)


async def test_where_our_keys_are_lost_the_bot_becomes_another_device(
    bot: Person, tmp_path: Path
) -> None:
    await bot.start()
    bot.crypto.close()
    fresh = Person(bot.server, "bot", tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    fresh.folder.mkdir()
    (bot.folder / IDENTITY).rename(fresh.folder / IDENTITY)

    await fresh.start()

    assert fresh.account.device_id == "BOT12"
    assert shown(fresh)[1]
    fresh.crypto.close()


async def test_names_of_keys_that_an_older_copy_gave_away_are_not_offered_again(
    bot: Person,
) -> None:
    names = bot.server.one_time[bot.user, "BOT1"]
    names["signed_curve25519:AAAAAAAAAAA"] = {"key": "of an older copy"}
    await bot.start()
    assert shown(bot)[1]
    assert len(names) == 1

    await bot.sync(device_one_time_keys_count={"signed_curve25519": 1})

    assert len(names) == 50


async def test_a_token_of_no_device_is_said(bot: Person) -> None:
    bot.account.device_id = ""

    with pytest.raises(ConfigError, match="belongs to no device"):
        await bot.start()
