"""`nounou chat` from the inside: against a real local chat, whose bot comes and goes."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.chat import local
from bot.chat.local import LocalChat
from bot.core.chat import Batch, Message, Post, Status, Text
from bot.errors import ChatRefused, ChatUnavailable, StoreError, UsageError
from bot.talk.client import Client
from bot.talk.script import lines_of, play

PATIENCE = 10.0
ME = pwd.getpwuid(os.getuid()).pw_name
ROOM = local.chat_id(ME)


class Bot:
    """Answers each command as *answers* says; commands are taken once, as by the real store."""

    def __init__(self, folder: Path, answers: dict[str, bool]) -> None:
        self.folder = folder
        self.path = folder / "chat.sock"
        self.answers = answers
        self.taken: dict[str, Message] = {}
        #: every line that came, also again
        self.came: list[str] = []
        self.fails = 0
        self.chat = self._chat()

    def _chat(self) -> LocalChat:
        return LocalChat(self.path, self.folder / "local", {f"local:{ME}": "anna"}.get, pause=0)

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[Bot]:
        self.chat = self._chat()
        running = asyncio.create_task(self.chat.run(self.receive, None))
        async with asyncio.timeout(PATIENCE):
            while not self.path.exists():  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0)
        try:
            yield self
        finally:
            running.cancel()
            await asyncio.wait([running])
            await self.chat.close()

    async def receive(self, batch: Batch) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreError
        for message in batch.messages:
            self.came.append(message.event_id)
            if message.event_id not in self.taken:
                self.taken[message.event_id] = message
                if message.body in self.answers:
                    await self.answer(message, succeeded=self.answers[message.body])

    async def answer(self, message: Message, *, succeeded: bool = True) -> None:
        number = len(self.taken)
        status = Status(message.event_id, number, "ended", final=True, succeeded=succeeded)
        text = Text(f"answer to {message.body}", "")
        await self.chat.send(Post(ROOM, f"n-{number}-final", text, status=status))


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return Bot(tmp_path, {"!ping": True, "!fail": False})


class Heard:
    """What the client itself had to say."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._changed = asyncio.Event()

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self._changed.set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self._changed.wait()
                self._changed.clear()


async def test_a_script_ends_with_0_where_each_command_succeeded(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    async with bot.alive():
        assert await play(bot.path, ["!ping", "!ping"], PATIENCE) == 0

    assert capsys.readouterr().out == "answer to !ping\n" * 2


@pytest.mark.parametrize("line", ["!fail", "no command", "!" + "x" * 300_000])
async def test_a_script_ends_with_1_where_one_did_not_and_goes_on_all_the_same(
    bot: Bot, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with bot.alive():
        assert await play(bot.path, [line, "!ping"], PATIENCE) == 1

    assert "answer to !ping" in capsys.readouterr().out


async def test_a_command_that_takes_too_long_ends_the_script(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    async with bot.alive():
        assert await play(bot.path, ["!slow", "!ping"], 0.2) == 1

    printed = capsys.readouterr()
    assert "no final answer after 0.2 s; it goes on without you: !slow" in printed.err
    assert printed.out == ""


async def test_what_was_missed_is_no_output_of_the_script(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    async with bot.alive():
        await bot.chat.send(Post(ROOM, "old", Text("of yesterday", "")))
        assert await play(bot.path, ["!ping"], PATIENCE) == 0

    printed = capsys.readouterr()
    assert printed.out == "answer to !ping\n"
    assert printed.err == "1 answer since you were last here:\nof yesterday\n"


async def test_signs_that_a_terminal_would_obey_are_not_printed(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.answers["!\x1b[31mred"] = True
    async with bot.alive():
        await bot.chat.send(Post(ROOM, "old", Text("\x1b]0;title\x07\x9b31m\u202e", "")))
        await play(bot.path, ["!ping"], PATIENCE)

    printed = capsys.readouterr()
    assert not set("\x1b\x07\x9b\u202e") & {*printed.out, *printed.err}


async def test_a_client_comes_back_and_says_again_what_was_not_taken(bot: Bot) -> None:
    heard = Heard()
    async with bot.alive():
        client = Client(bot.path, heard)
        await client.__aenter__()
    try:
        await heard.until(lambda: any("gone" in sentence for sentence in heard.sentences))
        command = client.say("!ping")
        async with bot.alive():
            async with asyncio.timeout(PATIENCE):
                await client.until(lambda: client.transcript.answer(command) is not None)
            assert [*bot.taken] == [command]
    finally:
        await client.__aexit__(None, None, None)
    assert heard.sentences[:2] == [
        "The bot is gone; waiting until it is back.",
        "The bot is back.",
    ]


async def test_a_line_that_was_taken_and_answered_in_another_life_is_answered_once(
    bot: Bot,
) -> None:
    heard, shown = Heard(), []
    async with bot.alive():
        client = Client(bot.path, heard)
        await client.__aenter__()
        client.transcript.watch = lambda seen: shown.append(seen.text)
        command = client.say("!slow")
        async with asyncio.timeout(PATIENCE):
            while not bot.taken:  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0)
    try:
        async with bot.alive(), asyncio.timeout(PATIENCE):
            for _try in range(2):
                await bot.answer(bot.taken[command])
            await client.until(lambda: client.transcript.answer(command) is not None)
            ping = client.say("!ping")
            await client.until(lambda: client.transcript.answer(ping) is not None)
    finally:
        await client.__aexit__(None, None, None)

    assert shown == ["answer to !slow", "answer to !ping"]
    assert bot.came == [command, ping]


async def test_a_client_that_has_heard_nothing_yet_misses_nothing_when_it_comes_back(
    bot: Bot,
) -> None:
    shown: list[str] = []
    async with bot.alive():
        await bot.chat.send(Post(ROOM, "old", Text("of yesterday", "")))
        async with Client(bot.path, Heard()):
            pass
        client = Client(bot.path, Heard())
        await client.__aenter__()
        client.transcript.watch = lambda seen: shown.append(seen.text)
        async with asyncio.timeout(PATIENCE):
            while client._seen is None:  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0)
    for number in range(6):
        await bot.chat.send(Post(ROOM, str(number), Text(f"news {number}", "")))
    try:
        async with bot.alive(), asyncio.timeout(PATIENCE):
            await client.until(lambda: "news 5" in shown)
    finally:
        await client.__aexit__(None, None, None)

    assert shown == [*(f"news {number}" for number in range(6))]


async def test_a_store_that_is_broken_is_spoken_of_once(bot: Bot) -> None:
    heard = Heard()
    bot.fails = 3
    async with bot.alive(), Client(bot.path, heard) as client:
        command = client.say("!ping")
        async with asyncio.timeout(PATIENCE):
            await client.until(lambda: client.transcript.answer(command) is not None)

    assert heard.sentences == [f"The bot has not taken it yet: {StoreError()}"]


async def test_where_no_bot_is_that_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ChatUnavailable, match=r"no bot answers at .*/chat\.sock"):
        await play(tmp_path / "chat.sock", ["!ping"], PATIENCE)


async def test_who_is_nobody_is_told_so(tmp_path: Path) -> None:
    bot = Bot(tmp_path, {})
    bot._chat = lambda: LocalChat(bot.path, tmp_path / "local", lambda _chat_id: None)  # type: ignore[method-assign]
    async with bot.alive():
        with pytest.raises(ChatRefused, match=f"has the Unix user {ME}"):
            await play(bot.path, ["!ping"], PATIENCE)


def test_a_script_leaves_out_empty_lines_and_comments() -> None:
    assert lines_of(b"\xef\xbb\xbf!ping\r\n\n  # no\n !status \n") == ["!ping", "!status"]


def test_a_script_is_utf_8() -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        lines_of(b"!ping \xff")
