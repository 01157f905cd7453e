"""The local chat for a person at a terminal."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console
from rich.text import Text

from bot.core.text import is_command
from bot.errors import ChatRefused
from bot.i18n import _
from bot.talk.client import Client
from bot.talk.script import no_command
from bot.talk.transcript import Seen, printable


async def converse(socket: Path) -> int:
    """A prompt until Ctrl-C, Ctrl-D or /quit."""
    with patch_stdout(raw=True):
        prompt = Prompt()
        async with Client(socket, prompt.aside) as client:
            await prompt.run(client)
    return 0


class Prompt:
    """One person's keyboard, and what they see."""

    def __init__(self) -> None:
        self._console = Console(soft_wrap=True, highlight=False)
        self._session: PromptSession[str] = PromptSession(history=_history())

    async def run(self, client: Client) -> None:
        """Until the person leaves."""
        client.transcript.watch = self._show
        self.aside(
            _("You are {person}.  {prefix}help says what you can ask; Ctrl-D ends.").format(
                person=client.person, prefix=client.prefix
            )
        )
        while (text := await self._typed(client)) is not None:
            self._say(client, text)

    def aside(self, sentence: str) -> None:
        """Show a sentence that is not the bot's."""
        self._console.print(Text(printable(sentence), "dim"))

    def _show(self, seen: Seen) -> None:
        for line in seen.news:
            self._console.print(Text.assemble(("bot: ", "green"), line))

    def _say(self, client: Client, text: str) -> None:
        if not text:
            return
        if not is_command(text, client.prefix):
            return self.aside(no_command(text, client.prefix))
        try:
            client.say(text)
        except ChatRefused as error:
            self.aside(str(error))

    async def _typed(self, client: Client) -> str | None:
        """The next line; None at the end."""
        typing = asyncio.create_task(self._line(f"{client.person}> "))
        await client.beside(typing)
        return typing.result()

    async def _line(self, before: str) -> str | None:
        try:
            text = (await self._session.prompt_async(before)).strip()
        except (EOFError, KeyboardInterrupt):
            return None
        return None if text == "/quit" else text


def _history() -> History:
    """What this person typed before, for their eyes only; of this session where it has no place."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    file = Path(base) / "nounou" / "chat-history"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))
