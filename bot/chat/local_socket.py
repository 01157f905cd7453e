"""The socket of the local chat: one bot listens there, and the kernel says who came."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import struct
from asyncio import StreamWriter
from contextlib import suppress
from pathlib import Path

from bot.errors import ConfigError
from bot.i18n import _
from bot.unix import address_of

#: struct ucred of unix(7): process, user, group
_UCRED = struct.Struct("3i")
#: connections that the kernel keeps until the bot has looked at them
_BACKLOG = 32


def listen_at(path: Path) -> socket.socket:
    """A socket that listens at *path*, in place of one that a dead bot left there.

    Raises `ConfigError` where it cannot: the folder is missing, another bot listens, …
    """
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address_of(path) as address:
            listener.bind(address)
        # Anybody may knock: the config alone says who comes in, by the user that the kernel names.
        # A mode for a group would make a second list of persons, which drifts from the first.
        path.chmod(0o666)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot(path, error) from error
    listener.setblocking(False)
    return listener


def remove(path: Path) -> None:
    """Take the socket away, so that clients are told at once that no bot is there."""
    with suppress(OSError):
        path.unlink()


def uid_of(writer: StreamWriter) -> int:
    """The number of the OS user at the other end."""
    connection = writer.get_extra_info("socket")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    _process, user, _group = _UCRED.unpack(raw)
    return int(user)


def name_of(user: int) -> str:
    """The name of the OS user, or its number where it has no name."""
    try:
        return pwd.getpwuid(user).pw_name
    except (KeyError, OverflowError):
        return str(user)


def _clear(path: Path) -> None:
    """Remove what a dead bot left at *path*."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _cannot(path, error) from error
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigError(
            _("{path} is there already, and is no socket").format(path=path),
            hint=_("give local.socket another path"),
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        knock.setblocking(False)
        try:
            with address_of(path) as address:
                knock.connect(address)
        except OSError as error:
            if error.errno not in (errno.ECONNREFUSED, errno.ENOENT):
                raise _cannot(path, error) from error
        else:
            raise ConfigError(
                _("another program listens at {path}").format(path=path),
                hint=_("end it, or give local.socket another path"),
            )
    remove(path)


def _cannot(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        _("the bot cannot listen at {path} ({why})").format(
            path=path, why=os.strerror(error.errno or 0)
        ),
        hint=_("local.socket needs a folder that is there and that the bot may write to"),
    )
