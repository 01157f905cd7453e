"""Several chats as one: the main one, and the one on the bot's own host."""

from __future__ import annotations

import asyncio

from bot.chat.local import LocalChat
from bot.core.chat import Chat, OwnPosts, Post, Quoted, Receive
from bot.core.rooms import LOCAL


class Switchboard(Chat):
    """*local* has the rooms whose names begin with ``local:``, *main* all others.

    The token of a batch is the main chat's: the local one has none.  The two do not wait for one
    another, so that the local chat works while the main one cannot be reached.
    """

    def __init__(self, main: Chat, local: LocalChat) -> None:
        self._main = main
        self._local = local

    async def run(self, receive: Receive, since: str | None) -> None:
        """As `Chat.run`; ends with the main chat, and raises what stops either of them."""
        talking = [
            asyncio.create_task(self._main.run(receive, since)),
            asyncio.create_task(self._local.run(receive, None)),
        ]
        try:
            ended, _others = await asyncio.wait(talking, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in talking:
                each.cancel()
            await asyncio.wait(talking)
        for each in ended:
            each.result()

    async def send(self, post: Post) -> str:
        """As `Chat.send`."""
        return await self._of(post.room).send(post)

    async def typing(self, room: str, *, on: bool) -> None:
        """As `Chat.typing`."""
        await self._of(room).typing(room, on=on)

    def encrypted(self, room: str) -> bool | None:
        """As `Chat.encrypted`."""
        return self._of(room).encrypted(room)

    async def own_posts(self, room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
        """As `Chat.own_posts`."""
        return await self._of(room).own_posts(room, beginnings, most)

    async def quoted(self, room: str, event_id: str) -> Quoted | None:
        """As `Chat.quoted`."""
        return await self._of(room).quoted(room, event_id)

    async def close(self) -> None:
        """Leave both."""
        await asyncio.gather(self._main.close(), self._local.close())

    def _of(self, room: str) -> Chat:
        return self._local if room.startswith(LOCAL) else self._main
