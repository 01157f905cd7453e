"""What is known of rooms: which one a name means, what was ever encrypted, over restarts too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.chat.matrix_events import Leaving, leaving, present, tombstone
from bot.chat.matrix_memory import Memory, PutOut
from bot.chat.matrix_rooms import Replacement, Rooms
from bot.errors import ConfigError, StoreError

ME, NOUNOU, ALIAS = "@bot:localhost", "@nounou:localhost", "#nounou:localhost"
ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {}}


def joined(**rooms: list[dict[str, Any]]) -> dict[str, Any]:
    """A sync answer in which the bot is in *rooms*, with these events of their state."""
    found = {f"!{name}": {"state": {"events": events}} for name, events in rooms.items()}
    return {"rooms": {"join": found}}


def ended(replacement: object, sender: str = NOUNOU) -> dict[str, Any]:
    content = {"replacement_room": replacement}
    return {"type": "m.room.tombstone", "state_key": "", "sender": sender, "content": content}


def put_out(membership: str, before: object = "join", **content: object) -> dict[str, Any]:
    """A left room's part of a sync answer."""
    event = {
        "type": "m.room.member",
        "state_key": ME,
        "event_id": "$1",
        "sender": NOUNOU,
        "content": {"membership": membership, **content},
        "unsigned": {"prev_content": {"membership": before}},
    }
    return {"timeline": {"events": [event]}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "matrix-rooms.json"


def test_a_name_means_the_last_room_of_a_row_after_a_restart_too(file: Path) -> None:
    rooms = Rooms(["!a", ALIAS], file)
    rooms.follow(Replacement("!a", "!b", NOUNOU))
    rooms.follow(Replacement("!b", "!c", NOUNOU))
    rooms.memory.save()

    again = Rooms(["!a", ALIAS], file)
    again.take(joined(a=[], c=[]))

    assert again.id_of("!a") == "!c"
    assert again.name_of("!c") == "!a"
    assert again.name_of("!a") is None


def test_rooms_that_replace_each_other_in_a_circle_are_some_room(file: Path) -> None:
    rooms = Rooms(["!a"], file)
    rooms.follow(Replacement("!a", "!b", NOUNOU))
    rooms.follow(Replacement("!b", "!a", NOUNOU))
    rooms.take(joined(a=[], b=[]))

    assert rooms.id_of("!a") in ("!a", "!b")


def test_what_was_encrypted_once_is_so_by_id_and_by_name_whatever_is_said_later(
    file: Path,
) -> None:
    rooms = Rooms([ALIAS], file)
    rooms.resolve(ALIAS, "!a")
    rooms.take(joined(a=[ENCRYPTION]))
    rooms.memory.save()

    again = Rooms([ALIAS], file)
    again.resolve(ALIAS, "!plain")
    again.take(joined(a=[], plain=[]))

    assert again.is_encrypted("!a")
    assert again.was_encrypted(ALIAS)
    assert not again.is_encrypted("!plain")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_found_later_to_mean_an_encrypted_room_is_kept_as_well() -> None:
    rooms = Rooms([ALIAS])
    rooms.take(joined(a=[ENCRYPTION]))
    rooms.resolve(ALIAS, "!a")
    rooms.resolve(ALIAS, "!b")

    assert rooms.was_encrypted(ALIAS)


def test_only_the_end_of_a_room_of_ours_is_its_end() -> None:
    rooms = Rooms(["!a"])
    rooms.take(joined(a=[ended("!b")], elsewhere=[ended("!c")]))

    assert rooms.replaced == {"!a": Replacement("!a", "!b", NOUNOU)}


@pytest.mark.parametrize("odd", [7, None, {}, "", "#b", "!" + "x" * 300, "!\ud800"])
def test_a_tombstone_that_names_no_room_ends_nothing(odd: object) -> None:
    assert tombstone(ended(odd)) is None


@pytest.mark.parametrize(
    ("room", "how"),
    [
        (put_out("leave"), Leaving("$1", NOUNOU, False, "")),
        (put_out("ban", reason="so"), Leaving("$1", NOUNOU, True, "so")),
        (put_out("leave", reason=["<b>"]), Leaving("$1", NOUNOU, False, "")),
        (put_out("leave", reason="a\nb\u202e" + "x" * 999), Leaving("$1", NOUNOU, False, "a b")),
        (put_out("leave", before={}), None),
        (put_out("leave", before="invite"), None),
        (put_out("join"), None),
        ({"timeline": {"events": ["oops", {}]}}, None),
        ("oops", None),
    ],
)
def test_how_we_left_is_who_did_it_and_why_in_a_few_words(room: Any, how: Leaving | None) -> None:
    left = leaving(room, ME)

    if left is None or how is None:
        assert left is how
    else:
        assert (left.event_id, left.by, left.banned) == (how.event_id, how.by, how.banned)
        assert left.why.startswith(how.why)
        assert len(left.why) <= 300
        assert left.why.isprintable()


def test_who_is_present_is_in_or_invited() -> None:
    def member(who: str, membership: str) -> dict[str, Any]:
        return {"type": "m.room.member", "state_key": who, "content": {"membership": membership}}

    events = [member("@a:b", "join"), member("@c:d", "invite"), member("@e:f", "leave"), "oops"]

    assert present(events) == {"@a:b", "@c:d"}


def test_the_memory_comes_back_as_it_was(file: Path) -> None:
    memory = Memory(
        file, {"!a", ALIAS}, {"!a": "!b"}, {"!p": NOUNOU}, {ALIAS: PutOut("$1", "@x:y")}
    )
    memory.save()

    again = Memory.of(file)

    assert (again.encrypted, again.successors) == (memory.encrypted, memory.successors)
    assert (again.private, again.put_out) == (memory.private, memory.put_out)


@pytest.mark.parametrize("torn", ["", "{", "[]", "{}", json.dumps({"encrypted": 5}), "\x00"])
def test_a_damaged_memory_stops_the_start(file: Path, torn: str) -> None:
    file.write_text(torn)

    with pytest.raises(ConfigError, match="is damaged"):
        Rooms([ALIAS], file)


def test_a_memory_that_cannot_be_written_is_an_error_that_may_pass(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file" / "below")
    memory.encrypted.add("!a")

    with pytest.raises(StoreError):
        memory.save()


def test_that_a_room_is_encrypted_is_logged_once() -> None:
    rooms = Rooms(["!a"])
    with structlog.testing.capture_logs() as logs:
        rooms.take(joined(a=[ENCRYPTION]))
        rooms.take(joined(a=[ENCRYPTION]))

    assert [log["event"] for log in logs] == ["matrix.room_is_encrypted"]
