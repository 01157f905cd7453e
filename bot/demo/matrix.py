"""The rooms on a real homeserver, one encrypted and one plain, and the persons in them."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar
from urllib.parse import quote

from bot.demo.client import Client, Login, Refusal
from bot.demo.device import MEGOLM
from bot.demo.folder import PLAIN_ROOM, ROOM, Folder
from bot.demo.hearing import Hearing
from bot.demo.keeping import CannotStart
from bot.demo.person import PAUSE, Person
from bot.demo.policy import BOT, DOMAIN, Cast
from bot.demo.readiness import Readiness
from bot.demo.synapse import Synapse
from bot.errors import BotError, ChatUnavailable
from bot.i18n import _
from bot.talk.transcript import Transcript

T = TypeVar("T")

BOT_ID = f"@{BOT}:{DOMAIN}"
#: seconds for a request, in which the homeserver may hold back a sync for POLL
REQUEST, POLL = 30.0, 20.0
#: seconds for logging out
GOODBYE = 5.0
#: the power level of those who may pin messages
PINS = 50
#: how the devices of the demo are called
DEVICE = "nounou demo"


class MatrixPlace:
    """The nounou rooms on a Synapse of its own; everybody speaks in the plain one if *plain*."""

    on_pipes = False

    def __init__(
        self, folder: Folder, cast: Cast, say: Callable[[str], None], *, plain: bool = False
    ) -> None:
        self.transcript = Transcript()
        self.synapse = Synapse(folder.homeserver, say=say)
        #: alias -> room id, once it is open
        self.rooms: dict[str, str] = {}
        self._say = say
        self._plain = plain
        self._folder = folder
        self._cast = cast
        self._opened = AsyncExitStack()
        #: by the name of their account
        self._persons: dict[str, Person] = {}
        #: devices that the demo made for other programs, and that are to be signed
        self._ours: set[str] = set()
        #: whose devices are others than when they were looked at last
        self._changed: set[str] = set()
        self._readiness = Readiness()
        self.environment = self._readiness.environment

    async def open(self) -> None:
        self._readiness.open()
        self._opened.callback(self._readiness.close)
        self._opened.push_async_callback(self.synapse.stop)
        await self.synapse.start()
        self._client = Client(self.synapse.url, REQUEST)
        self._opened.push_async_callback(self._client.aclose)
        await self._forget_devices()
        await self.synapse.register(BOT, self._folder.password(BOT)[0])
        await self._together(self._enrol, self._cast.accounts.values())
        self._opened.push_async_callback(self._forget_devices)
        self._folder.keep_tokens([person.login.token for person in self._persons.values()])
        for alias in (ROOM, PLAIN_ROOM):
            self.rooms[alias] = await self._room(alias)
            await self._let_the_bot_pin(self.rooms[alias])
        await self._together(self._enter, self._persons.values())
        self._hearing = Hearing(
            self._me, self._here, self.transcript, encrypted=not self._plain, bot=BOT_ID
        )
        await self._hearing.begin()

    def config(self) -> Mapping[str, Any]:
        spoken, other = (PLAIN_ROOM, ROOM) if self._plain else (ROOM, PLAIN_ROOM)
        return {
            "chat": {
                "kind": "matrix",
                "homeserver": self.synapse.url,
                "user": BOT_ID,
                "device_name": DEVICE,
                "password": {"file": str(self._folder.password(BOT)[1])},
            },
            "rooms": {"main": spoken, "commands": {other: ["*"]}},
        }

    def welcome(self) -> list[str]:
        return [
            _("Any Matrix client may join the room {room} at {url}, as one of these:").format(
                url=self.synapse.url, room=ROOM
            ),
            *(
                _("  {name}, password {password}").format(
                    name=name, password=self._folder.password(name)[0]
                )
                for name in self._cast.accounts.values()
            ),
            _(
                "That room is encrypted, and the bot believes signed devices only: "
                "/sign PERSON signs those of your own client.  {plain} is a plain room."
            ).format(plain=PLAIN_ROOM),
        ]

    async def attend(self, bot: Process) -> None:
        await bot.wait()

    async def arrival(self) -> None:
        await self._readiness.ready.wait()
        await self._hearing.bot_is_here.wait()

    async def say(self, person: str, text: str) -> str:
        speaker = self._persons[self._cast.accounts[person]]
        return await speaker.say(self._here, text, encrypted=not self._plain)

    async def sign(self, person: str) -> list[str]:
        return await self._persons[self._cast.accounts[person]].sign(lambda device_id: True)

    async def device(self, person: str, name: str) -> Login:
        """A new device of *person* for another program, signed once that has made its keys."""
        account = self._cast.accounts[person]
        login = await self._client.login(account, self._folder.password(account)[0], name)
        self._ours.add(login.device_id)
        return login

    async def listen(self) -> None:
        while True:
            try:
                self._changed |= await self._hearing.more(POLL)
                await self._sign_ours()
            except ChatUnavailable as error:
                if self.synapse.pid is None:
                    raise CannotStart(
                        _("the homeserver has ended"),
                        hint=_("see {log}").format(log=self.synapse.log),
                    ) from error
                await asyncio.sleep(PAUSE)

    async def settle(self) -> None:
        """Once the newest event of the room was heard, so was everything before it."""
        heard = await self._hearing.newest()
        async with asyncio.timeout(REQUEST):
            await self.transcript.until(lambda: all(map(self.transcript.has, heard)))

    async def close(self) -> None:
        await self._opened.aclose()

    @property
    def _me(self) -> Person:
        return self._persons[self._cast.accounts[self._cast.host]]

    @property
    def _here(self) -> str:
        return self.rooms[PLAIN_ROOM if self._plain else ROOM]

    async def _enrol(self, account: str) -> None:
        """An account, and a device of it that its owner has signed."""
        password = self._folder.password(account)[0]
        await self.synapse.register(account, password)
        login = await self._client.login(account, password, DEVICE)
        person = await Person.arrive(self._client, login, password, self._folder.seeds(account))
        if person.replaced:
            self._say(
                _(
                    "another client has replaced the signing keys of {name}, so there are new ones "
                    "now; somebody else must confirm them: !trust {name}"
                ).format(name=account)
            )
        self._persons[account] = person

    async def _forget_devices(self) -> None:
        """Log out whoever was logged in last; a homeserver that is gone has forgotten them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._together(self._log_out, self._folder.tokens())
                self._folder.keep_tokens([])

    async def _log_out(self, token: str) -> None:
        with suppress(BotError):
            await self._client.ask("POST", "logout", token, {})

    async def _room(self, alias: str) -> str:
        """The room *alias*, open to everybody of this homeserver; the bot waits to be invited."""
        with suppress(Refusal):
            found = await self._me.ask("GET", f"directory/room/{quote(alias)}")
            return str(found["room_id"])
        name = alias.removeprefix("#").partition(":")[0]
        made: dict[str, Any] = {
            "preset": "public_chat",
            "room_alias_name": name,
            "name": name,
            "invite": [BOT_ID],
        }
        if alias == ROOM:
            made["initial_state"] = [
                {"type": "m.room.encryption", "content": {"algorithm": MEGOLM}}
            ]
        return str((await self._me.ask("POST", "createRoom", made))["room_id"])

    async def _let_the_bot_pin(self, room_id: str) -> None:
        """Give the bot the power level that it takes to pin a message, in an older room as well."""
        path = f"rooms/{quote(room_id)}/state/m.room.power_levels"
        levels = await self._me.ask("GET", path)
        users = levels.get("users", {})
        if users.get(BOT_ID, 0) < PINS:
            with suppress(Refusal):  # somebody has taken the room over; it works without pins
                await self._me.ask("PUT", path, {**levels, "users": {**users, BOT_ID: PINS}})

    async def _enter(self, person: Person) -> None:
        for room_id in self.rooms.values():
            await person.ask("POST", f"join/{quote(room_id)}", {})

    async def _sign_ours(self) -> None:
        for person in self._persons.values():
            if person.login.user_id not in self._changed:
                continue
            try:
                self._ours -= {*await person.sign(self._ours.__contains__)}
            except Refusal as refusal:
                self._say(str(refusal))
        self._changed.clear()

    async def _together(
        self, action: Callable[[T], Coroutine[Any, Any, None]], things: Iterable[T]
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for thing in things:
                group.create_task(action(thing))
