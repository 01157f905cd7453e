"""The demonstration's rooms on a real homeserver: who can read there, and that nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bot.chat.crossing import Identity, Secrets, identity_of
from bot.demo.client import Client, Login, Refusal
from bot.demo.folder import PLAIN_ROOM, ROOM, Folder
from bot.demo.matrix import MatrixPlace
from bot.demo.person import Person
from bot.demo.policy import of_the_lab
from bot.errors import ChatUnavailable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PATIENCE = 60.0
BOT_ID = "@bot:localhost"


class Site:
    """A demonstration's rooms, with a guest who stands in for the bot or for a client."""

    def __init__(self, place: MatrixPlace, folder: Folder, client: Client, said: list[str]) -> None:
        self.place = place
        self.folder = folder
        self.client = client
        #: what the demonstration said of itself
        self.said = said
        self.transcript = place.transcript

    async def guest(self, account: str) -> Person:
        """Somebody at another device, who has not signed it and has told nobody its keys."""
        login = await self.client.login(account, self.folder.password(account)[0], "guest")
        return await self.at(login)

    async def at(self, login: Login) -> Person:
        """The program that was given the device *login*."""
        person = Person(self.client, login, Secrets.make(login.user_id))
        keys, one_time = person.device.public_keys(), person.device.one_time_keys()
        await person.ask("POST", "keys/upload", {"device_keys": keys, "one_time_keys": one_time})
        return person

    async def identity(self, person: str) -> Identity:
        """What the homeserver shows of *person*."""
        user, token = f"@{person}:localhost", self.folder.tokens()[0]
        wanted: dict[str, Any] = {"device_keys": {user: []}}
        return identity_of(await self.client.ask("POST", "keys/query", token, wanted), user)

    async def put(self, person: Person, content: dict[str, Any], kind: str, txn: str) -> str:
        path = f"rooms/{quote(self.place.rooms[ROOM])}/send/{kind}/{txn}"
        return str((await person.ask("PUT", path, content))["event_id"])

    async def hears(self, *lines: str) -> None:
        """Until the transcript is *lines*; fails with what it is."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.transcript.until(lambda: self.transcript.lines() == [*lines])
        except TimeoutError:
            assert self.transcript.lines() == [*lines]


@asynccontextmanager
async def opened(path: Path, *, plain: bool = False) -> AsyncIterator[Site]:
    folder = Folder(path, "matrix")
    said: list[str] = []
    place = MatrixPlace(folder, of_the_lab(), said.append, plain=plain)
    try:
        await place.open()
        async with (
            aclosing(Client(place.synapse.url, PATIENCE)) as client,
            asyncio.TaskGroup() as group,
        ):
            listening = group.create_task(place.listen())
            yield Site(place, folder, client, said)
            listening.cancel()
    finally:
        await place.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demonstration that was there before, since a first start takes long."""

    async def make() -> None:
        async with opened(folder):
            pass

    folder = tmp_path_factory.mktemp("made")
    asyncio.run(make())
    return folder


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A folder of one's own, in which a demonstration was there before."""
    return Path(shutil.copytree(made, tmp_path / "state"))


@pytest.fixture
async def site(path: Path) -> AsyncIterator[Site]:
    async with opened(path) as site:
        yield site


async def test_everybody_is_heard_in_the_order_of_the_room(site: Site) -> None:
    for person, text in (("nounou", "one"), ("apprenti", "two"), ("stranger", "three")):
        await site.place.say(person, text)

    await site.hears("nounou: one", "apprenti: two", "stranger: three")


async def test_the_bot_may_pin_in_both_rooms_also_where_they_are_older(site: Site) -> None:
    for room_id in site.place.rooms.values():
        path, owner = f"rooms/{quote(room_id)}/state/m.room.power_levels", site.place._me
        levels = await owner.ask("GET", path)
        assert levels["users"][BOT_ID] == 50

        del levels["users"][BOT_ID]
        await owner.ask("PUT", path, levels)
        await site.place._let_the_bot_pin(room_id)

        assert (await owner.ask("GET", path))["users"][BOT_ID] == 50


async def test_nothing_is_said_in_clear(site: Site) -> None:
    await site.place.say("apprenti", "secret")

    path = f"rooms/{quote(site.place.rooms[ROOM])}/messages"
    answer = await site.client.ask("GET", path, site.folder.tokens()[0], query={"dir": "b"})

    assert "m.room.encrypted" in {event["type"] for event in answer["chunk"]}
    assert "secret" not in str(answer)


async def test_each_device_is_signed_by_its_owner_from_the_start(site: Site) -> None:
    for person in ("nounou", "nounou2", "apprenti", "stranger"):
        devices = (await site.identity(person)).devices.values()

        assert [device.signed for device in devices] == [True]


async def test_many_messages_at_once_are_all_heard(site: Site) -> None:
    """More than a sync answer holds: the timeline is cut, and what is missing is fetched."""
    await asyncio.gather(*(site.place.say("stranger", f"{n}") for n in range(250)))
    await site.place.say("nounou", "last")

    async with asyncio.timeout(PATIENCE):
        await site.transcript.until(lambda: "nounou: last" in site.transcript.lines())

    said = site.transcript.lines()
    assert sorted(said[:-1]) == sorted(f"stranger: {n}" for n in range(250))
    assert said[-1] == "nounou: last"


async def test_a_message_is_said_once_though_every_first_answer_is_lost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, lost = Client.ask, set[str]()

    async def lossy(client: Client, method: str, path: str, *more: Any, **query: Any) -> Any:
        answer = await ask(client, method, path, *more, **query)
        if method == "PUT" and path not in lost:
            lost.add(path)
            raise ChatUnavailable("lost")
        return answer

    monkeypatch.setattr(Client, "ask", lossy)
    await site.place.say("apprenti", "one")
    await site.place.say("apprenti", "two")

    # the key of the room and each message
    assert len(lost) == 3
    await site.hears("apprenti: one", "apprenti: two")


async def test_what_cannot_be_read_yet_keeps_its_place(site: Site) -> None:
    guest, room = await site.guest("apprenti"), site.place.rooms[ROOM]
    listeners = [*(await site.identity("nounou")).devices.values()]
    await guest.meet(listeners)
    key = {"messages": guest.device.share(room, listeners)}
    content = guest.device.encrypt(room, "m.room.message", {"msgtype": "m.text", "body": "early"})
    await site.put(guest, content, "m.room.encrypted", "1")
    await site.place.say("nounou", "late")
    await site.hears("apprenti: (this cannot be read here)", "nounou: late")

    await guest.ask("PUT", "sendToDevice/m.room.encrypted/1", key)

    await site.hears("apprenti: early", "nounou: late")


async def test_what_comes_in_clear_into_the_encrypted_room_counts_for_nothing(site: Site) -> None:
    guest = await site.guest("apprenti")

    await site.put(guest, {"msgtype": "m.text", "body": "!ping"}, "m.room.message", "1")

    await site.hears("apprenti: (not encrypted) !ping")


async def test_nonsense_stops_nobody(site: Site) -> None:
    guest = await site.guest("stranger")
    nonsense: list[dict[str, Any]] = [{}, {"ciphertext": 7}, {"session_id": [], "m.relates_to": 1}]
    for n, content in enumerate(nonsense):
        await site.put(guest, content, "m.room.encrypted", f"{n}")
        messages = {"@nounou:localhost": {"*": content}}
        await guest.ask("PUT", f"sendToDevice/m.room.encrypted/{n}", {"messages": messages})

    await site.place.say("nounou", "hello")

    await site.hears(*["stranger: (this cannot be read here)"] * 3, "nounou: hello")


async def test_a_device_of_ones_own_is_signed_on_demand(site: Site) -> None:
    guest = await site.guest("apprenti")

    signed = await site.place.sign("apprenti")

    assert signed == [guest.login.device_id]
    assert (await site.identity("apprenti")).devices[guest.login.device_id].signed
    assert await site.place.sign("apprenti") == []


async def test_a_device_that_the_demo_made_for_a_program_is_signed_by_itself(site: Site) -> None:
    stranger = await site.guest("apprenti")
    login = await site.place.device("apprenti", "a web client")
    await site.at(login)

    async def is_signed() -> bool:
        devices = (await site.identity("apprenti")).devices
        assert not devices[stranger.login.device_id].signed
        return devices[login.device_id].signed

    async with asyncio.timeout(PATIENCE):
        while not await is_signed():
            continue


async def test_the_plain_room_is_open_as_well(path: Path) -> None:
    async with opened(path, plain=True) as site:
        await site.place.say("nounou", "one")
        await site.place.say("apprenti", "two")

        await site.hears("nounou: one", "apprenti: two")
        assert site.place.config()["rooms"] == {"main": PLAIN_ROOM, "commands": {ROOM: ["*"]}}


async def test_the_next_demonstration_has_the_same_rooms_and_identities_and_no_old_device(
    path: Path,
) -> None:
    async with opened(path) as site:
        rooms, before = site.place.rooms, await site.identity("nounou2")
        left = site.folder.tokens()

    async with opened(path) as site:
        after = await site.identity("nounou2")
        with pytest.raises(Refusal):
            await site.client.ask("GET", "account/whoami", left[0])

        assert site.place.rooms == rooms
        assert after.master == before.master
        assert len(after.devices) == 1
        assert not {*after.devices} & {*before.devices}


async def test_an_identity_that_a_client_replaced_is_replaced_once_more(path: Path) -> None:
    """Nobody here has the keys of that one, and a homeserver takes no earlier one back."""
    async with opened(path) as site:
        guest = await site.guest("apprenti")
        other = Secrets.make("@apprenti:localhost").publication()
        password = site.folder.password("apprenti")[0]
        await site.client.ask_as_owner("keys/device_signing/upload", guest.login, password, other)

    async with opened(path) as site:
        after = await site.identity("apprenti")

        assert after.master != next(iter(other["master_key"]["keys"].values()))
        signed = {device.id: device.signed for device in after.devices.values()}
        assert signed.pop(guest.login.device_id) is False
        assert [*signed.values()] == [True]
        assert any("replaced the signing keys of apprenti" in said for said in site.said)
