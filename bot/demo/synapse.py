"""A real Matrix homeserver on loopback, in one folder, that dies with the one that started it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from bot.errors import BotError
from bot.i18n import _

SERVER_NAME = "localhost"
LOOPBACK = "127.0.0.1"

#: Runs Synapse in a process that the kernel ends with its parent, however that one dies.
#: PR_SET_PDEATHSIG is 1 (linux/prctl.h); the parent may be gone before the call, hence the look.
_CHILD = """
import ctypes, os, runpy, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv.pop(1)):
    raise SystemExit("the parent is gone")
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
"""


class Synapse:
    """The `matrix-synapse` package with SQLite; users, keys, log and port stay in *folder*."""

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        say: Callable[[str], None] = lambda sentence: None,
        patience: float = 90.0,
        request_timeout: float = 20.0,
    ) -> None:
        self.folder = folder
        self.log = folder / "synapse.log"
        self.port = port
        self._say = say
        self._patience = patience
        self._request_timeout = request_timeout
        self._shared_secret = ""
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process, while it lives."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> None:
        """Return once the homeserver answers; when it does not, a `BotError` names its log."""
        if importlib.util.find_spec("synapse") is None:
            raise BotError(
                _("Synapse is not installed"), hint=_("install the package matrix-synapse")
            )
        if self._prepare():
            self._say(_("making a homeserver (the first start takes some ten seconds)"))
        else:
            self._say(_("starting the homeserver"))
        with self.log.open("ab") as log:
            self._process = await self._spawn(log)
        try:
            async with asyncio.timeout(self._patience):
                await self._answering()
        except TimeoutError:
            await self.stop()
            raise self._failure() from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the process; nothing of it is left when this returns."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def register(self, user: str, password: str) -> None:
        """Make the account *user* (its local part); one that exists is left as it is."""
        nonce = (await self._ask("GET", "/_synapse/admin/v1/register"))[1].get("nonce", "")
        signed = "\0".join((nonce, user, password, "notadmin"))
        mac = hmac.new(self._shared_secret.encode(), signed.encode(), hashlib.sha1)
        status, answer = await self._ask(
            "POST",
            "/_synapse/admin/v1/register",
            {
                "nonce": nonce,
                "username": user,
                "password": password,
                "admin": False,
                "mac": mac.hexdigest(),
            },
        )
        if status != 200 and answer.get("errcode") != "M_USER_IN_USE":
            raise BotError(
                _("The homeserver refuses the account {user}: {why}").format(
                    user=user, why=answer.get("error", status)
                )
            )

    async def _spawn(self, log: IO[bytes]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the current folder may hold a "synapse" of its own
            "-c",
            _CHILD,
            str(os.getpid()),
            "-c",
            str(self.folder / "homeserver.yaml"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,  # Ctrl-C is for the one who started us, who then calls stop()
        )

    async def _answering(self) -> None:
        while True:
            if self.pid is None:
                raise self._failure()
            try:
                status, _answer = await self._ask("GET", "/_matrix/client/versions")
            except BotError:
                status = 0
            if status == 200:
                return
            await asyncio.sleep(0.05)

    def _failure(self) -> BotError:
        return BotError(
            _("The homeserver does not come up"), hint=_("see {log}").format(log=self.log)
        )

    async def _ask(
        self, method: str, path: str, content: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        return await asyncio.to_thread(self._ask_now, method, path, content)

    def _ask_now(
        self, method: str, path: str, content: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=self._request_timeout)
        try:
            connection.request(method, path, None if content is None else json.dumps(content))
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BotError(_("The homeserver does not answer")) from error
        finally:
            connection.close()
        return response.status, answer if isinstance(answer, dict) else {}

    def _prepare(self) -> bool:
        """Write the configuration; true where there was none before."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept_file = self.folder / "kept.json"
        first = not kept_file.exists()
        kept = _new_secrets() if first else json.loads(kept_file.read_text())
        self.port = _usable_port(self.port or kept["port"])
        self._shared_secret = kept["registration_shared_secret"]
        _write_private(kept_file, json.dumps({**kept, "port": self.port}))
        key_file = self.folder / f"{SERVER_NAME}.signing.key"
        if not key_file.exists():
            _write_private(key_file, _signing_key())
        _write_private(self.folder / "log.yaml", json.dumps(_logging(self.log)))
        _write_private(
            self.folder / "homeserver.yaml", json.dumps(_configuration(self.folder, kept, self.url))
        )
        return first


def _write_private(file: Path, text: str) -> None:
    """Replace *file*, readable by its owner only; the text is JSON, which YAML contains."""
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    fresh.replace(file)


def _new_secrets() -> dict[str, Any]:
    names = ("registration_shared_secret", "macaroon_secret_key", "form_secret")
    return {"port": 0, **{name: secrets.token_hex(16) for name in names}}


def _signing_key() -> str:
    """A key as signedjson writes it: algorithm, version, seed in unpadded base64."""
    seed = b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"ed25519 a_{secrets.token_hex(2)} {seed}\n"


def _usable_port(wanted: int) -> int:
    """*wanted*, or any free port where another program has taken it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise BotError(_("No port is free on {address}").format(address=LOOPBACK))


def _logging(log: Path) -> dict[str, Any]:
    return {
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.handlers.RotatingFileHandler",
                "filename": str(log),
                "formatter": "line",
                "maxBytes": 5_000_000,
                "backupCount": 1,
            }
        },
        "root": {"level": "WARNING", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }


def _configuration(folder: Path, kept: dict[str, Any], url: str) -> dict[str, Any]:
    """One listener for clients, no federation, no network, no limits on how fast people type."""
    fast = {"per_second": 100_000, "burst_count": 100_000}
    return {
        "server_name": SERVER_NAME,
        "public_baseurl": f"{url}/",
        "pid_file": str(folder / "homeserver.pid"),
        "listeners": [
            {
                "port": int(url.rpartition(":")[2]),
                "type": "http",
                "tls": False,
                "bind_addresses": [LOOPBACK],
                "resources": [{"names": ["client"], "compress": False}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / f"{SERVER_NAME}.signing.key"),
        **{name: secret for name, secret in kept.items() if name != "port"},
        "bcrypt_rounds": 4,  # the passwords are printed on the screen; 12 rounds cost 0.3 s a login
        "enable_registration": False,
        "report_stats": False,
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "send_federation": False,
        "ip_range_blacklist": [],
        "url_preview_enabled": False,
        "presence": {"enabled": False},
        "filter_timeline_limit": -1,  # a client that shows the room may ask for all of it at once
        "rc_message": fast,
        "rc_registration": fast,
        "rc_login": {"address": fast, "account": fast, "failed_attempts": fast},
        "rc_admin_redaction": fast,
        "rc_joins": {"local": fast, "remote": fast},
        "rc_joins_per_room": fast,
        "rc_invites": {"per_room": fast, "per_user": fast, "per_issuer": fast},
        "rc_room_creation": fast,
        "rc_media_create": fast,
    }
