"""Whatever a homeserver answers, the loop gets a batch or an error of ours, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast
from urllib.parse import unquote

from hypothesis import event, example, given
from hypothesis import strategies as st

from bot.chat.matrix_crypto import Crypto, Read
from bot.chat.matrix_doors import Doors
from bot.chat.matrix_login import Account
from bot.chat.matrix_rooms import Rooms
from bot.chat.matrix_sync import Sync
from bot.core.chat import Batch
from bot.errors import BotError
from tests.chat.test_matrix_events import KEYS, ME, NOUNOU, WORDS

ROOM, ALIAS, ASIDE, HEIR = "!room", "#nounou:localhost", "!aside", "!heir"
ROOMS = st.sampled_from([ROOM, ROOM, ROOM, ASIDE, HEIR, "!odd\ud800", "oops"])

anything: st.SearchStrategy[Any] = st.recursive(
    WORDS | st.none() | st.integers() | st.floats() | st.text(st.characters(), max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)


class Answers(Account):
    """An account whose homeserver answers a sync with the next of *syncs*, else with *others*."""

    def __init__(self, syncs: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
        self.user_id = ME
        self._syncs, self._others = iter(syncs), iter(others)
        #: the rooms that were entered
        self.joined: list[str] = []

    async def ask(self, method: str, path: str, *rest: object, **more: object) -> dict[str, Any]:
        if "/v3/join/" in path:
            self.joined.append(unquote(path.partition("/join/")[2].partition("?")[0]))
        answers = self._syncs if "/v3/sync" in path else self._others
        answer = next(answers, None)
        return answer if answer is not None else {"next_batch": "s3", "chunk": []}


class NoKeys:
    """Instead of `Crypto`: a room where nothing is encrypted."""

    async def take(self, answer: object) -> None:
        pass

    async def read(self, room: str, event: dict[str, Any]) -> Read:
        return Read(event)

    def reports(self) -> tuple[()]:
        return ()

    lacks_keys = False


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is *right*, and sometimes anything at all."""
    return st.sampled_from([right] * 9 + [anything]).flatmap(lambda chosen: chosen)


def plausible(kind: str, **content: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An event that is almost right."""
    return st.fixed_dictionaries(
        {
            "type": st.just(kind),
            "event_id": st.sampled_from(["$1", "$2", 5]),
            "sender": st.sampled_from([NOUNOU, ME, "@a:b", None]),
            "content": mostly(st.fixed_dictionaries(content)),
        },
        optional={
            "state_key": st.sampled_from(["", ME, NOUNOU, 7]),
            "unsigned": anything,
            "redacts": anything,
        },
    )


EVENTS = st.lists(
    anything
    | plausible("m.room.message", msgtype=st.just("m.text"), body=mostly(st.text()))
    | plausible("m.room.member", membership=st.sampled_from(["join", "invite", "leave", "ban", 5]))
    | plausible("m.room.tombstone", replacement_room=ROOMS)
    | plausible("m.room.encryption", algorithm=anything)
    | plausible("m.room.encrypted", ciphertext=anything)
    | plausible("m.room.redaction", redacts=anything),
    max_size=4,
)
SECTION = st.fixed_dictionaries(
    {
        "timeline": mostly(
            st.fixed_dictionaries(
                {
                    "events": EVENTS,
                    "limited": mostly(st.booleans()),
                    "prev_batch": mostly(st.text()),
                }
            )
        ),
        "state": mostly(st.fixed_dictionaries({"events": EVENTS})),
    },
    optional={"invite_state": st.fixed_dictionaries({"events": EVENTS})},
)
PARTS = mostly(st.dictionaries(ROOMS, mostly(SECTION), max_size=2))
SYNC = st.fixed_dictionaries(
    {
        "next_batch": mostly(st.just("s2") | st.text(st.characters())),
        "rooms": mostly(
            st.fixed_dictionaries({"join": PARTS}, optional={"invite": PARTS, "leave": PARTS})
        ),
    }
)
OTHER = st.fixed_dictionaries(
    {
        "chunk": mostly(EVENTS),
        "end": mostly(st.text()),
        "room_id": mostly(ROOMS),
        "predecessor": mostly(st.just({"room_id": ROOM})),
    }
)


@given(st.lists(SYNC, min_size=1, max_size=4), st.lists(OTHER, min_size=8, max_size=8))
@example([{"next_batch": "s2", "rooms": {"join": {"!room": {"timeline": {"events": []}}}}}], [{}])
def test_no_answer_whatever_raises_anything_but_our_errors(
    syncs: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    account = Answers(syncs, others)
    rooms = Rooms([ROOM, ALIAS])
    rooms.memory.private[ASIDE] = NOUNOU
    rooms.resolve(ALIAS, "!aliased")
    doors = Doors(account, rooms, lambda user_id: user_id == NOUNOU, private=True)
    sync = Sync(account, rooms, doors, cast(Crypto, NoKeys()), 1.0, 1.0)

    async def listen() -> None:
        with suppress(BotError):
            await sync.look_round()
        for _time in range(4):
            try:
                is_storable(await sync.next("s1"))
            except BotError:
                event("an error of ours")

    asyncio.run(listen())


def is_storable(batch: Batch) -> None:
    """Fail unless a store can take the texts in *batch*, and its messages are of our rooms."""
    event(f"a batch, {'with' if batch.messages else 'without'} messages")
    assert batch.token
    batch.token.encode()
    for message in batch.messages:
        assert message.room in (ROOM, ALIAS, ASIDE)
        assert message.sender != ME
        "".join((message.event_id, message.sender, message.body, message.target)).encode()
    for report in batch.reports:
        f"{report.key} {report.sentence}".encode()
        assert report.sentence.isprintable()
