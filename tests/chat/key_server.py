"""What a homeserver does for encryption, in memory: it keeps public keys, and carries letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from bot.chat.crossing import Secrets
from bot.chat.matrix_crypto import Crypto, Read
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Challenged, Rejected

ROOM = "!room"
PREFIX = "/_matrix/client/v3/"


@dataclass
class KeyServer:
    """Public keys by user and device, and who is in the one room."""

    devices: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    one_time: dict[tuple[str, str], dict[str, Any]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    fallback: dict[tuple[str, str], dict[str, Any]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    cross: dict[str, dict[str, Any]] = field(default_factory=dict)
    letters: dict[tuple[str, str], list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    members: set[str] = field(default_factory=set)
    #: what was asked, as "METHOD path"
    asked: list[str] = field(default_factory=list)
    #: whether keys of an identity are taken without the password
    trusting: bool = True
    #: paths that are refused
    refuses: str = "nothing"

    def account(self, user: str, device: str) -> FakeAccount:
        self.members.add(user)
        return FakeAccount(self, user, device)

    def answer(self, who: FakeAccount, method: str, path: str, body: Any) -> dict[str, Any]:
        parts = [unquote(part) for part in path.removeprefix(PREFIX).split("/")]
        self.asked.append(f"{method} {'/'.join(parts[:2])}")
        if self.refuses in path:
            raise Rejected("no", status=403, errcode="M_FORBIDDEN")
        match parts:
            case ["keys", "upload"]:
                return self._upload(who, body)
            case ["keys", "query"]:
                return self._query(body["device_keys"])
            case ["keys", "claim"]:
                return {"one_time_keys": self._claim(body["one_time_keys"])}
            case ["keys", "device_signing", "upload"]:
                if not self.trusting and "auth" not in body:
                    raise Challenged("password", session="s")
                self.cross[who.user_id] = body
                return {}
            case ["keys", "signatures", "upload"]:
                for device, signed in body[who.user_id].items():
                    known = self.devices[who.user_id][device]["signatures"][who.user_id]
                    known.update(signed["signatures"][who.user_id])
                return {"failures": {}}
            case ["sendToDevice", kind, _txn]:
                for user, devices in body["messages"].items():
                    for device, content in devices.items():
                        letter = {"type": kind, "sender": who.user_id, "content": content}
                        self.letters[user, device].append(letter)
                return {}
            case ["rooms", _room, "joined_members"]:
                return {"joined": {user: {} for user in self.members}}
        raise AssertionError(path)

    def sync(self, user: str, device: str, **more: Any) -> dict[str, Any]:
        """All letters for a device, which stay where they are until `forget`."""
        return {"to_device": {"events": list(self.letters[user, device])}, **more}

    def forget(self, user: str, device: str) -> None:
        self.letters[user, device].clear()

    def _upload(self, who: FakeAccount, body: Any) -> dict[str, Any]:
        key = who.user_id, who.device_id
        if "device_keys" in body:
            self.devices[who.user_id][who.device_id] = body["device_keys"]
        fresh = body.get("one_time_keys", {})
        if self.one_time[key].keys() & fresh.keys():
            raise Rejected("One time key already exists", status=400, errcode="M_UNKNOWN")
        self.one_time[key].update(fresh)
        if "fallback_keys" in body:
            self.fallback[key] = body["fallback_keys"]
        return {"one_time_key_counts": {"signed_curve25519": len(self.one_time[key])}}

    def _query(self, users: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "device_keys": {user: dict(self.devices[user]) for user in users},
            "master_keys": {},
            "self_signing_keys": {},
        }
        for user in users:
            if user in self.cross:
                answer["master_keys"][user] = self.cross[user]["master_key"]
                answer["self_signing_keys"][user] = self.cross[user]["self_signing_key"]
        return answer

    def _claim(self, wanted: Any) -> dict[str, Any]:
        given: dict[str, Any] = defaultdict(dict)
        for user, devices in wanted.items():
            for device in devices:
                left = self.one_time[user, device]
                if left:
                    name = next(iter(left))
                    given[user][device] = {name: left.pop(name)}
                elif self.fallback[user, device]:
                    given[user][device] = dict(self.fallback[user, device])
        return given


class FakeAccount:
    """Stands for `Account`: one device of one user."""

    def __init__(self, server: KeyServer, user: str, device: str) -> None:
        self.user_id = user
        self.device_id = device
        self.logins = 1
        self.password = True
        self._server = server

    async def ask(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        return self._server.answer(self, method, path, content)

    async def confirm(self, path: str, content: Any) -> dict[str, Any]:
        try:
            return await self.ask("POST", path, content)
        except Challenged:
            if not self.password:
                raise
            return await self.ask("POST", path, content | {"auth": {}})

    async def become_another_device(self) -> None:
        self.device_id += "2"
        self.logins += 1


class Person:
    """Somebody with one device, whose machine is ours as well."""

    def __init__(self, server: KeyServer, name: str, folder: Path, **more: Any) -> None:
        self.server = server
        self.user = f"@{name}:localhost"
        self.account = server.account(self.user, more.pop("device", f"{name.upper()}1"))
        self.folder = folder / f"{name}-{self.account.device_id}"
        #: master keys by user, as pinned at first sight
        self.pins: dict[str, str] = {}
        self._trust_any = more.pop("trust_any", False)
        self.begin()

    def begin(self) -> None:
        """A new life of the same device."""
        account = cast(Account, self.account)
        self.crypto = Crypto(account, self.folder, self.holds, trust_any=self._trust_any)

    async def holds(self, user: str, key: str) -> bool:
        return self.pins.setdefault(user, key) == key

    async def start(self) -> Person:
        await self.crypto.start()
        return self

    async def sync(self, **more: Any) -> None:
        """Take what has come, and have the homeserver forget it."""
        await self.receive(**more)
        self.server.forget(self.user, self.account.device_id)

    async def receive(self, **more: Any) -> None:
        await self.crypto.take(self.server.sync(self.user, self.account.device_id, **more))

    async def say(self, body: str, **more: Any) -> dict[str, Any]:
        """The event of an encrypted message."""
        to_unsigned = more.pop("to_unsigned", False)
        content = {"msgtype": "m.text", "body": body, **more}
        sealed = await self.crypto.seal(ROOM, "m.room.message", content, to_unsigned=to_unsigned)
        return {
            "type": "m.room.encrypted",
            "event_id": f"${body}",
            "sender": self.user,
            "content": sealed,
        }

    async def read(self, event: dict[str, Any], room: str = ROOM) -> Read:
        return await self.crypto.read(room, event)

    def unsign(self) -> None:
        """Let the homeserver forget who signed this device."""
        keys = self.server.devices[self.user][self.account.device_id]
        own = f"ed25519:{self.account.device_id}"
        signatures = keys["signatures"][self.user]
        keys["signatures"][self.user] = {own: signatures[own]}

    def change_identity(self) -> Secrets:
        """Somebody gives the user another identity, and signs the device with it."""
        secrets = Secrets.make(self.user)
        self.server.cross[self.user] = secrets.publication()
        keys = self.server.devices[self.user][self.account.device_id]
        signed = secrets.device_signature(keys)[self.user][self.account.device_id]
        keys["signatures"][self.user].update(signed["signatures"][self.user])
        return secrets


@asynccontextmanager
async def people(server: KeyServer, folder: Path, *names: str) -> AsyncIterator[list[Person]]:
    """Persons who have started, all in the room."""
    found = [Person(server, name, folder) for name in names]
    for person in found:
        await person.start()
    try:
        yield found
    finally:
        for person in found:
            person.crypto.close()
