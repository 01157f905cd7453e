"""The keys of an encrypted chat on disk: written before anything made with them is sent.

One SQLite file; the keys in it are encrypted with a random key that lies in a file beside it.  All
that one sync answer changes is one transaction, so that a crash takes either all of it back (and
the homeserver delivers it again) or nothing.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vodozemac

from bot.chat import secret_file
from bot.errors import ConfigError, StoreError
from bot.i18n import _

DATABASE, PICKLE_KEY = "keys.sqlite3", "pickle.key"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    user TEXT NOT NULL, device TEXT NOT NULL, pickle TEXT NOT NULL, PRIMARY KEY (user, device));
CREATE TABLE IF NOT EXISTS olm (
    id TEXT PRIMARY KEY, peer TEXT NOT NULL, used REAL NOT NULL, pickle TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS olm_by_peer ON olm (peer, used);
CREATE TABLE IF NOT EXISTS megolm (
    room TEXT NOT NULL, id TEXT NOT NULL, peer TEXT NOT NULL, ed25519 TEXT NOT NULL,
    at REAL NOT NULL, pickle TEXT NOT NULL, PRIMARY KEY (room, id, peer));
CREATE INDEX IF NOT EXISTS megolm_by_peer ON megolm (peer, at);
CREATE TABLE IF NOT EXISTS taken (digest TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS taken_by_age ON taken (at);
"""

#: sessions kept for each device: the newest is written with, older ones may still be read
_OLM_SESSIONS = 5
#: room keys kept of each device, so that none fills the disk; a client makes one for 100 messages
_ROOM_KEYS = 1000
#: how long a message between devices is remembered; the homeserver repeats one that it was not
#: told we have, and that is said with the very next request
_REMEMBERED = 30 * 24 * 3600.0


@dataclass(frozen=True)
class RoomKey:
    """A key that messages in a room are read with, and the device that it came from."""

    peer: str
    ed25519: str
    session: vodozemac.InboundGroupSession


class KeyStore:
    """What one device of ours knows, in *folder*.  Raises `ConfigError` where it cannot be opened.

    Every method raises `StoreError` where the file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._key = _pickle_key(folder / PICKLE_KEY, used=(folder / DATABASE).exists())
        try:
            (folder / DATABASE).touch(mode=0o600)
            self._db = sqlite3.connect(folder / DATABASE, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(
                _("The keys in {folder} cannot be opened: {why}").format(folder=folder, why=error)
            ) from error

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction; a change within a change belongs to the outer one."""
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(
                _("The keys of the chat cannot be written ({why}).").format(why=error)
            ) from error

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of a change, which alone is taken back where it fails."""
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO part")
            raise
        finally:
            self._db.execute("RELEASE part")

    def account(self, user: str, device: str) -> vodozemac.Account | None:
        query = "SELECT pickle FROM account WHERE user = ? AND device = ?"
        for row in self._read(query, user, device):
            return vodozemac.Account.from_pickle(row[0], self._key)
        return None

    def put_account(self, user: str, device: str, account: vodozemac.Account) -> None:
        self._put("account", user, device, account.pickle(self._key))

    def olm_sessions(self, peer: str) -> list[vodozemac.Session]:
        """The sessions with the device of the Curve25519 key *peer*, the newest first."""
        rows = self._read("SELECT pickle FROM olm WHERE peer = ? ORDER BY used DESC", peer)
        return [vodozemac.Session.from_pickle(row[0], self._key) for row in rows]

    def put_olm(self, peer: str, session: vodozemac.Session) -> None:
        """Keep *session*, now the newest with *peer*."""
        with self.change():
            self._put("olm", session.session_id, peer, time.time(), session.pickle(self._key))
            self._db.execute(
                "DELETE FROM olm WHERE peer = ? AND id NOT IN"
                " (SELECT id FROM olm WHERE peer = ? ORDER BY used DESC LIMIT ?)",
                (peer, peer, _OLM_SESSIONS),
            )

    def forget_olm(self) -> None:
        """All sessions with other devices are over."""
        with self.change():
            self._db.execute("DELETE FROM olm")

    def room_keys(self, room: str, session_id: str) -> list[RoomKey]:
        """Every key under this name; more than one where devices claim the same."""
        query = "SELECT peer, ed25519, pickle FROM megolm WHERE room = ? AND id = ?"
        return [
            RoomKey(peer, ed25519, vodozemac.InboundGroupSession.from_pickle(pickle, self._key))
            for peer, ed25519, pickle in self._read(query, room, session_id)
        ]

    def put_room_key(self, room: str, key: RoomKey) -> None:
        """Keep *key*, unless the same is known from an earlier message on."""
        session = key.session
        for known in self.room_keys(room, session.session_id):
            if known.peer == key.peer and (
                known.session.first_known_index <= session.first_known_index
            ):
                return
        pickle = session.pickle(self._key)
        values = (room, session.session_id, key.peer, key.ed25519, time.time(), pickle)
        with self.change():
            self._put("megolm", *values)
            self._db.execute(
                "DELETE FROM megolm WHERE peer = ? AND rowid NOT IN"
                " (SELECT rowid FROM megolm WHERE peer = ? ORDER BY at DESC LIMIT ?)",
                (key.peer, key.peer, _ROOM_KEYS),
            )

    def was_taken(self, digest: str) -> bool:
        return bool(self._read("SELECT digest FROM taken WHERE digest = ?", digest))

    def put_taken(self, digest: str) -> None:
        now = time.time()
        with self.change():
            self._put("taken", digest, now)
            self._db.execute("DELETE FROM taken WHERE at < ?", (now - _REMEMBERED,))

    def _put(self, table: str, *values: object) -> None:
        places = ", ".join("?" * len(values))
        with self.change():
            self._db.execute(f"REPLACE INTO {table} VALUES ({places})", values)  # noqa: S608

    def _read(self, query: str, *values: object) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(
                _("The keys of the chat cannot be read ({why}).").format(why=error)
            ) from error


def _pickle_key(file: Path, *, used: bool) -> bytes:
    """The key in *file*; a new one where there is none and nothing was encrypted with one yet."""
    text = secret_file.read(file)
    if text is None:
        if used:
            raise ConfigError(
                _("The key {file} is gone, and with it the keys of the chat").format(file=file),
                hint=_("restore it from a backup, or move the folder away to begin anew"),
            )
        text = secrets.token_hex(32)
        secret_file.write(file, text + "\n")
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(_("The file {file} does not hold a key").format(file=file))
    return key
