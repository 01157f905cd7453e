"""The bot beside a strict client that nobody here wrote; each reads the other, or says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.demo.node import Node
from bot.demo.synapse import Synapse
from tests.e2e import peer
from tests.e2e.peer import FOLDER, LEAST_NODE, Heard, Peer
from tests.e2e.web import installed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
async def node(tmp_path: Path) -> Node:
    return await installed(LEAST_NODE, FOLDER, tmp_path / "npm.log")


@pytest.fixture
async def persons(
    node: Node, homeserver: Synapse, tmp_path: Path
) -> AsyncIterator[tuple[Peer, Peer]]:
    """Two persons with a strict client each."""
    async with AsyncExitStack() as stack:

        async def enter(user: str) -> Peer:
            await homeserver.register(user, "password")
            log = tmp_path / f"{user}.log"
            return await stack.enter_async_context(peer.present(node, homeserver.url, user, log))

        yield await enter(f"strict-{tmp_path.name[-6:]}"), await enter("nounou")


def says(sender: str, body: str) -> Callable[[Heard], bool]:
    return lambda heard: heard.sender == sender and body in heard.body


async def test_two_strict_clients_hear_each_other_once_both_are_signed(
    persons: tuple[Peer, Peer],
) -> None:
    one, other = persons
    await one.tell("sign")
    await other.tell("believe", all=True)
    room = (await one.tell("create", invite=[other.user]))["room"]
    await other.tell("join", room=room)

    unsigned = await other.say(room, "can you hear me?")
    heard = await one.hears(lambda heard: heard.id == unsigned)
    assert heard.unread is not None
    await other.tell("sign")
    await other.tell("believe", all=False)
    await other.say(room, "and now?")

    assert (await one.hears(says(other.user, "and now?"))).unread is None
