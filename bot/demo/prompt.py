"""The chat in the terminal: type a message, see what everybody says, try a fault."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console
from rich.text import Text

from bot.core.command import Command
from bot.demo import wishes
from bot.demo.completion import CLOCKS, FAULTS, SCENES, WHETHER, Vocabulary
from bot.demo.play import PREFIX
from bot.demo.policy import BOT
from bot.demo.stage import Stage
from bot.errors import ChatRefused, ChatUnavailable, UsageError
from bot.i18n import _
from bot.talk.transcript import Seen

#: seconds for the site to take in a fault
FAULT = 5.0


async def converse(stage: Stage) -> int:
    """A prompt until Ctrl-C, Ctrl-D or /quit."""
    for line in [*stage.place.welcome(), _hello(stage.cast.host)]:
        stage.say(line)
    with patch_stdout(raw=True):
        prompt = Prompt(stage)
        stage.place.transcript.watch = prompt.show
        async with asyncio.TaskGroup() as group:
            learning = group.create_task(prompt.learn())
            await prompt.run()
            learning.cancel()
        stage.place.transcript.watch = None
    stage.say(_("ending"))
    return 0


def _devices(site: Mapping[str, Any]) -> list[str]:
    """What a fault may strike: the hosts, their iLOs, the arrays, the guests."""
    ilos = [f"{host}-ilo" for host in site.get("lights_out", ())]
    machines = [*site.get("hosts", ()), *site.get("guests", ())]
    return [*machines, *ilos, *site.get("arrays", ())]


class Prompt:
    """One person's view of the room, and their keyboard."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._cast = stage.cast
        self._console = Console(soft_wrap=True, highlight=False)
        self._words = Vocabulary(
            PREFIX,
            {
                "dom0": [*stage.site.get("hosts", ())],
                "device": _devices(stage.site),
                "domu": [*stage.site.get("guests", ())],
                "person": [*stage.cast.accounts],
                "fault": FAULTS,
                "scene": SCENES,
                "machine": [*stage.site.get("hosts", ()), *stage.site.get("guests", ())],
                "clock": CLOCKS,
                "whether": WHETHER,
            },
        )
        self._session: PromptSession[str] = PromptSession(
            f"{stage.cast.host}> ",
            history=FileHistory(str(stage.folder.history)),
            completer=_Completer(self._words),
            complete_while_typing=False,
            erase_when_done=True,
        )

    async def run(self) -> None:
        """Until the person leaves."""
        while True:
            try:
                text = await self._session.prompt_async(handle_sigint=False)
            except (EOFError, KeyboardInterrupt):
                return
            if text.strip() == "/quit":
                return
            await self._obey(text.strip())

    async def learn(self) -> None:
        """The commands of the bot, for completion; read while the person looks at the prompt."""
        self._words.commands = await asyncio.to_thread(_commands)

    def show(self, seen: Seen) -> None:
        """A message as it comes, and each of its edits."""
        self._words.names["code"] = self._stage.place.transcript.awaited()
        colour = "green" if seen.sender == BOT else "cyan"
        for line in seen.news:
            self._console.print(Text.assemble((f"{seen.sender}: ", colour), line))

    async def _obey(self, text: str) -> None:
        if not text:
            return
        match text.split(" "):
            case ["/help"]:
                self._say_lines(_help())
            case ["/as", person, *words] if words and person in self._cast.accounts:
                await self._speak(person, " ".join(words).strip())
            case ["/as", *_more]:
                self._say_lines(
                    _("write: /as PERSON TEXT, where PERSON is one of {persons}").format(
                        persons=", ".join(self._cast.accounts)
                    )
                )
            case [word, *_more] if word in wishes.WORDS:
                await self._wish(text.split())
            case ["/sign", person] if person in self._cast.accounts:
                await self._sign(person)
            case ["/sign", *_more]:
                self._say_lines(
                    _("write: /sign PERSON, where PERSON is one of {persons}").format(
                        persons=", ".join(self._cast.accounts)
                    )
                )
            case [word, *_more] if word.startswith("/"):
                self._say_lines(_("the prompt knows no {word}; /help").format(word=word[:40]))
            case _:
                await self._speak(self._cast.host, text)

    async def _speak(self, person: str, text: str) -> None:
        try:
            await self._stage.place.say(person, text)
        except ChatRefused as error:
            self._say_lines(str(error))

    async def _sign(self, person: str) -> None:
        try:
            signed = await self._stage.place.sign(person)
        except (ChatRefused, ChatUnavailable) as error:
            self._say_lines(str(error))
            return
        if signed:
            sentence = _("signed as {person} would: {devices}").format(
                person=person, devices=", ".join(signed)
            )
        else:
            sentence = _("no device of {person} is unsigned").format(person=person)
        self._say_lines(sentence)

    async def _wish(self, words: list[str]) -> None:
        try:
            wanted = wishes.request(words)
        except UsageError as error:
            self._say_lines(str(error))
        else:
            await self._ask(wanted)

    async def _ask(self, wanted: dict[str, Any]) -> None:
        """Have the site do what is *wanted*, and say what it answers."""
        try:
            async with asyncio.timeout(FAULT):
                answer = await _ask_site(Path(self._stage.site["control"]), wanted)
        except (OSError, ValueError, TimeoutError) as error:
            self._say_lines(_("the site does not answer: {error}").format(error=error))
        else:
            self._say_lines(_("the site says: {answer}").format(answer=json.dumps(answer)))

    def _say_lines(self, text: str) -> None:
        for line in text.splitlines():
            self._stage.say(line)


class _Completer(Completer):
    """The vocabulary, as prompt_toolkit asks for it."""

    def __init__(self, words: Vocabulary) -> None:
        self._words = words

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        line = document.text_before_cursor
        word = line.rpartition(" ")[2]
        for candidate in self._words.candidates(line):
            yield Completion(candidate, -len(word))


async def _ask_site(control: Path, request: dict[str, Any]) -> object:
    """One request to the site's control socket, one line back."""
    reader, writer = await asyncio.open_unix_connection(control)
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        writer.write_eof()
        return json.loads(await reader.readline())
    finally:
        writer.close()


def _hello(person: str) -> str:
    return _(
        "You are {person}.  Try !help, or /help for this prompt; Ctrl-C ends everything."
    ).format(person=person)


def _help() -> str:
    return _(
        "Everything you type is said in the room; Tab completes.  Words of this prompt:\n"
        "/as PERSON TEXT            say TEXT as somebody else\n"
        "/fault NAME [HOST [TEXT]]  let something go wrong, for commands with TEXT in them;\n"
        "                           /fault clear ends them all\n"
        "/console GUEST SCENE       let a guest's console show something: panic, fsck, session\n"
        "/clock NAME step SECONDS   let a clock jump; or: drift PPM, stray SECONDS (a lie),\n"
        "                           service dead, server dead (alive mends both)\n"
        "/link NAME DELAY           let the way to a machine take DELAY seconds there and back\n"
        "/sign PERSON               sign the devices of PERSON's own clients, so that the bot\n"
        "                           believes them in the encrypted room\n"
        "/quit                      end (as Ctrl-C and Ctrl-D do)"
    )


def _commands() -> list[Command]:
    """What the bot would know, found as the bot finds it."""
    from bot.core.command import Registry
    from bot.plugins import modules_in

    registry = Registry()
    registry.add_from(modules_in("commands"))
    return list(registry)
