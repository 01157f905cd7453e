"""The words of ``nounou chat``.  Light: `bot.cli` imports this at every start of any command."""

from __future__ import annotations

import asyncio
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import UsageError
from bot.i18n import _, use

#: where the documentation puts it
SOCKET = Path("/run/nounou/chat.sock")


def chat(
    config: Annotated[
        Path | None,
        typer.Argument(help=_("The configuration of the bot, for the place of its socket.")),
    ] = None,
    socket: Annotated[
        Path | None,
        typer.Option(help=_("The bot's socket (default: {path}).").format(path=SOCKET)),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help=_("Seconds that each line of standard input may take.")
        ),
    ] = 3600.0,
) -> None:
    """Talk with the bot on its own host, where no homeserver is needed.

    Without a terminal each line of standard input is sent in turn; the exit status is 0 where every
    command succeeded, 1 where one did not, 2 where the bot cannot be reached.
    """
    if config is not None and socket is not None:
        raise typer.BadParameter(_("give a configuration or --socket PATH, not both"))
    if not 0 < timeout < math.inf:
        raise UsageError(_("--timeout takes a number of seconds above zero"))
    raise typer.Exit(_talk(socket or _socket_of(config), timeout))


def _socket_of(config: Path | None) -> Path:
    if config is None:
        return SOCKET
    from bot.config import load_place  # pydantic is slow to import

    place = load_place(config)
    use(place.language)
    return place.socket


def _talk(socket: Path, timeout: float) -> int:
    try:
        if sys.stdin.isatty():
            from bot.talk.prompt import converse

            return asyncio.run(converse(socket))
        from bot.talk.script import lines_of, play

        return asyncio.run(play(socket, lines_of(sys.stdin.buffer.read()), timeout))
    except KeyboardInterrupt:
        return 130
