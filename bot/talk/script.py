"""Commands from standard input, one a line, each waited for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from bot.core.text import is_command
from bot.errors import ChatRefused, UsageError
from bot.i18n import _
from bot.talk.client import Client
from bot.talk.transcript import Seen, printable


def lines_of(script: bytes) -> list[str]:
    """The commands in *script*: all but empty lines and comments."""
    try:
        text = script.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UsageError(_("standard input is not UTF-8 text")) from error
    lines = [line.strip() for line in text.split("\n")]
    return [line for line in lines if line and not line.startswith("#")]


async def play(socket: Path, lines: list[str], timeout: float) -> int:
    """Send each line once the one before has ended; 0 where all succeeded, else 1.

    What the bot says of them goes to standard output, all else to standard error.
    """
    async with Client(socket, _aside) as client:
        ours: set[str] = set()
        client.transcript.watch = lambda seen: _print(seen, ours)
        succeeded = True
        for line in lines:
            try:
                async with asyncio.timeout(timeout):
                    succeeded &= await _succeeds(client, line, ours)
            except TimeoutError:
                _aside(
                    _("no final answer after {seconds:g} s; it goes on without you: {line}").format(
                        seconds=timeout, line=line[:200]
                    )
                )
                return 1
    return 0 if succeeded else 1


async def _succeeds(client: Client, line: str, ours: set[str]) -> bool:
    """Send *line*, wait for its end, and say whether that was a success."""
    if not is_command(line, client.prefix):
        _aside(no_command(line, client.prefix))
        return False
    try:
        command = client.say(line)
    except ChatRefused as error:
        _aside(str(error))
        return False
    ours.add(command)
    transcript = client.transcript
    await client.until(lambda: (last := transcript.answer(command)) is not None and last.final)
    answer = transcript.answer(command)
    return answer is not None and answer.succeeded


def no_command(line: str, prefix: str) -> str:
    """The sentence for a *line* that the bot would not answer."""
    return _("this is no command, those begin with {prefix}: {line}").format(
        prefix=prefix, line=line[:200]
    )


def _print(seen: Seen, ours: set[str]) -> None:
    for line in seen.news:
        typer.echo(line.encode(), err=seen.command not in ours)


def _aside(sentence: str) -> None:
    typer.echo(printable(sentence).encode(), err=True)
