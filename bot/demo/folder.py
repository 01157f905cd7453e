"""The folder in which a demonstration keeps everything: one demo at a time, for one user's eyes."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from bot.demo.policy import DOMAIN, Cast
from bot.errors import Refused
from bot.i18n import _
from bot.unix import USER

#: where everybody is; on a homeserver it is encrypted
ROOM = f"#nounou:{DOMAIN}"
#: beside it, only on a homeserver
PLAIN_ROOM = f"#plain:{DOMAIN}"
#: of the homeserver's state; 1 had one room, not encrypted, and no such number
VERSION = 2

#: why the lab's configuration says what no site should
_WHY_PLAINTEXT = """
# In a plain room a homeserver can forge anyone.  The lab's own serves this machine alone, so what
# destroys can be approved in its plain room too.  A real site leaves allow_plaintext_approvals out.
"""

#: the lab's copies take seconds, so its bot looks often
TIMING = {
    "connect": "5s",
    "command": "10s",
    "resync": "20s",
    "follow_every": "300ms",
    "census_every": "300ms",
    "census_patience": "30s",
    "follow_patience": "5m",
    "progress_every": "500ms",
    "stop": "5s",
}


class Folder:
    """A state folder, held by one demo for as long as that demo lives."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path.absolute()
        #: Synapse's room and the terminal's are two: the bot's memory of one is kept from the other
        self.kind = kind
        self._lock: int | None = None

    def take(self) -> None:
        """Make the folder and hold it; raises `Refused` where a demo is running in it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
            os.close(file)
            raise Refused(
                _("a demo is running in {folder} already (process {number})").format(
                    folder=self.path, number=holder or "?"
                ),
                hint=_("end it first, or give this one another folder with --state"),
            ) from None
        os.truncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._lock = file
        if self.kind == "matrix" and not self._is_ours():
            self.leave()
            raise Refused(
                _("{folder} was made by another version of the demo").format(folder=self.path),
                hint=_("make clean removes .lab; or name another folder with --state"),
            )

    def leave(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def site(self) -> Path:
        return self.path / "site"

    @property
    def homeserver(self) -> Path:
        return self.path / "homeserver"

    @property
    def config(self) -> Path:
        return self.path / f"{self.kind}.yaml"

    @property
    def room(self) -> Path:
        return self.path / "room.jsonl"

    @property
    def history(self) -> Path:
        return self.path / "history"

    def seeds(self, account: str) -> Path:
        """The file that keeps the keys with which the owner of *account* signs devices."""
        return self.path / "identities" / f"{account}.json"

    def tokens(self) -> list[str]:
        """The access tokens of the devices that were logged in last."""
        return [str(token) for token in self._kept().get("tokens", ())]

    def keep_tokens(self, tokens: Iterable[str]) -> None:
        write_private(self._devices, json.dumps({"version": VERSION, "tokens": [*tokens]}))

    def log(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def password(self, account: str) -> tuple[str, Path]:
        """The password of *account*, made up once and kept in a file of its own."""
        file = self.path / "passwords" / account
        if not file.exists():
            write_private(file, secrets.token_urlsafe(12))
        return file.read_text("utf-8"), file

    def write_config(self, cast: Cast, site: Mapping[str, Any], room: Mapping[str, Any]) -> None:
        """The bot's configuration for *site*, whose ports are new each time.

        *room* are the keys `chat` and `rooms`.
        """
        approvals = cast.policy["approvals"]
        parts = {
            "site": "lab",
            "state": str(self.path / self.kind),
            **room,
            "hosts": {name: _host(site, name) for name in site["hosts"]},
            "arrays": {name: _array(array) for name, array in site["arrays"].items()},
            "guests": _guests(site["guests"]),
            "clock": {"restart": True},
            "roles": cast.policy["roles"],
            "members": _with_us(cast),
            "timing": TIMING,
        }
        why = _WHY_PLAINTEXT if approvals.get("allow_plaintext_approvals") else ""
        write_private(self.config, _yaml(parts) + why + _yaml({"approvals": approvals}))

    @property
    def _devices(self) -> Path:
        return self.path / "devices.json"

    def _kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self._devices.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return kept

    def _is_ours(self) -> bool:
        """Whether the homeserver's state, if there is any, was made by this version."""
        old = (self.path / "tokens.json").exists()
        return not old and self._kept().get("version", VERSION) == VERSION

    def clear(self) -> None:
        """Forget the site of an earlier run, for each run has a world of its own."""
        shutil.rmtree(self.site, ignore_errors=True)
        self.config.unlink(missing_ok=True)

    def read_site(self) -> dict[str, Any] | None:
        """Where the site listens; None until it does."""
        try:
            found: dict[str, Any] = json.loads((self.site / "site.json").read_text("utf-8"))
        except FileNotFoundError:
            return None
        return found


def _yaml(parts: Mapping[str, Any]) -> str:
    return yaml.safe_dump(parts, sort_keys=False)


def write_private(file: Path, text: str) -> None:
    """Put *text* into *file*, whole or not at all, for this user only."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    new.replace(file)


def _with_us(cast: Cast) -> dict[str, Any]:
    """The members of *cast*; who runs the demo may use the local chat, as the room's host."""
    members = {person: dict(member) for person, member in cast.policy["members"].items()}
    with suppress(KeyError):  # a user without a name
        user = pwd.getpwuid(os.getuid()).pw_name
        if re.fullmatch(USER, user):
            members[cast.host]["os_users"] = [user]
    return members


def _host(site: Mapping[str, Any], name: str) -> dict[str, Any]:
    about = dict(site["lights_out"][name])
    return {
        **site["hosts"][name],
        "lights_out": {"password": {"file": about.pop("password_file")}, **about},
    }


def _guests(site: Mapping[str, Any]) -> dict[str, Any]:
    """Those guests into which there is a way."""
    ways = ("address", "ssh", "ntp")
    return {
        name: {way: about[way] for way in ways if way in about}
        for name, about in site.items()
        if "ssh" in about or "ntp" in about
    }


def _array(site: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": site["address"],
        "port": site["port"],
        "user": site["user"],
        "password": {"file": site["password_file"]},
        "protected": ["daath-*"],
    }
