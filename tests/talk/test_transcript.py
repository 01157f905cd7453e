"""What an onlooker has seen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.talk.transcript import Seen, Transcript, printable

PATIENCE = 10


def status(command: str = "$1", **more: Any) -> dict[str, Any]:
    return {"command": command, "job": 1, "state": "running", "final": False, "waits": "", **more}


def test_messages_stand_in_the_order_in_which_they_were_said() -> None:
    seen = Transcript()

    seen.add("$1", "nounou", "!ping")
    seen.add("$2", "bot", "pong\nin two lines")

    assert seen.lines() == ["nounou: !ping", "bot: pong", "bot: in two lines"]


def test_an_edit_changes_the_message_where_it_stands() -> None:
    seen = Transcript()
    seen.add("$1", "bot", "half")
    seen.add("$2", "nounou", "hello")

    seen.add("$3", "bot", "done", edits="$1")

    assert seen.lines() == ["bot: done", "nounou: hello"]


def test_one_status_may_speak_of_several_commands() -> None:
    seen = Transcript()

    held = status("$1", state="held", waits="person", also=["$2", 7, "$3"])
    seen.add("$8", "bot", "I was away", status=held)
    seen.add("$9", "bot", "pong", status=status("$2", state="succeeded", final=True))

    states = {each: seen.answer(each) for each in ("$1", "$2", "$3")}
    assert {each: answer.state for each, answer in states.items() if answer} == {
        "$1": "held",
        "$2": "succeeded",
        "$3": "held",
    }


@pytest.mark.parametrize("also", [None, 7, "$2", {"$2": 1}, [[]]])
def test_others_of_a_status_that_are_no_list_of_commands_are_ignored(also: Any) -> None:
    seen = Transcript()

    seen.add("$8", "bot", "held", status=status("$1", also=also))

    assert seen.answer("$1") is not None
    assert seen.answer("$2") is None


def request(**more: Any) -> dict[str, Any]:
    return status(state="awaiting approval", waits="person", code="AB2CD3", **more)


def test_a_code_is_shown_once_though_every_edit_repeats_it() -> None:
    seen = Transcript()

    seen.add("$8", "bot", "one", status=request())
    seen.codes.pop()
    seen.add("$9", "bot", "two", edits="$8", status=request())

    assert seen.codes == []


def test_codes_stand_in_the_order_in_which_they_were_shown() -> None:
    seen = Transcript()

    seen.add("$7", "bot", "one", status=request())
    seen.add("$8", "bot", "two", status=status("$2", code="XY2CD3"))
    seen.add("$9", "bot", "one again", edits="$7", status=request())

    assert seen.codes == ["AB2CD3", "XY2CD3"]


def test_the_codes_that_are_awaited_are_those_of_commands_that_wait() -> None:
    seen = Transcript()
    seen.add("$3", "bot", "who approves?", status=request())
    seen.add("$5", "bot", "and this?", status=request() | {"command": "$9", "code": "XY2CD3"})
    before = seen.awaited()

    seen.add("$4", "bot", "approved", status=approved())

    assert (before, seen.awaited()) == (["AB2CD3", "XY2CD3"], ["XY2CD3"])


def test_only_the_bot_shows_codes() -> None:
    seen = Transcript()

    seen.add("$8", "nounou", "mine", status=request())

    assert seen.codes == []


@pytest.mark.parametrize("code", ["", "two words", "two\nlines", "x" * 99, 7, None, ["AB2CD3"]])
def test_what_is_no_code_is_ignored(code: Any) -> None:
    seen = Transcript()

    seen.add("$8", "bot", "odd", status=status(code=code))

    assert seen.codes == []


def waits(seen: Transcript) -> str:
    answer = seen.answer("$1")
    assert answer is not None
    return answer.waits


def approved() -> dict[str, Any]:
    return status("$2", state="succeeded", final=True, succeeded=True, frees=["$1", "$7", 7])


def test_a_command_that_was_freed_waits_for_nobody_though_an_older_edit_comes_later() -> None:
    seen = Transcript()
    seen.add("$3", "bot", "who approves?", status=request())
    seen.add("$4", "bot", "approved", status=approved())
    freed = waits(seen)

    seen.add("$5", "bot", "still", edits="$3", status=request())
    still = waits(seen)
    seen.add("$6", "bot", "lock", edits="$3", status=status(state="awaiting locks", waits="lock"))

    assert (freed, still, waits(seen)) == ("", "", "lock")


def test_a_command_that_was_freed_may_wait_for_a_person_in_another_state() -> None:
    seen = Transcript()
    seen.add("$3", "bot", "held", status=status(state="held", waits="person"))
    seen.add("$4", "bot", "released", status=approved())

    seen.add("$5", "bot", "who approves?", edits="$3", status=request())

    assert waits(seen) == "person"


def test_a_command_that_was_freed_may_ask_again_with_another_code() -> None:
    seen = Transcript()
    seen.add("$3", "bot", "who approves?", status=request())
    seen.add("$4", "bot", "approved", status=approved())

    seen.add("$5", "bot", "the plan is another", edits="$3", status=request() | {"code": "XY2CD3"})

    assert waits(seen) == "person"


def test_an_end_stays_the_end_though_it_is_freed_later() -> None:
    seen = Transcript()
    seen.add("$3", "bot", "done", status=status(state="denied", final=True))

    seen.add("$4", "bot", "approved", status=approved())

    answer = seen.answer("$1")
    assert answer is not None
    assert (answer.state, answer.final) == ("denied", True)


def test_nobody_edits_what_somebody_else_said() -> None:
    seen = Transcript()
    seen.add("$1", "bot", "denied")

    seen.add("$2", "stranger", "allowed", edits="$1")

    assert seen.lines() == ["bot: denied"]


def test_the_same_event_twice_is_seen_once() -> None:
    seen = Transcript()
    seen.add("$1", "bot", "done")

    seen.add("$1", "bot", "again")

    assert seen.lines() == ["bot: done"]


def test_an_edit_of_a_message_from_before_is_a_message() -> None:
    seen = Transcript()

    seen.add("$8", "bot", "90 %", edits="$old")
    seen.add("$9", "bot", "done", edits="$old")

    assert seen.lines() == ["bot: done"]


def test_a_final_answer_stays_final() -> None:
    seen = Transcript()
    seen.add("$2", "bot", "✔", status=status(final=True, succeeded=True))

    seen.add("$3", "bot", "late", status=status())

    answer = seen.answer("$1")
    assert answer is not None
    assert answer.final
    assert answer.succeeded


def test_only_the_bot_says_how_a_command_stands() -> None:
    seen = Transcript()

    seen.add("$2", "stranger", "✔", status=status(final=True, succeeded=True))

    assert seen.answer("$1") is None


@pytest.mark.parametrize("content", [None, "oops", [], {}, {"command": 7}, {"command": None}])
def test_a_status_that_is_none_is_ignored(content: Any) -> None:
    seen = Transcript()

    seen.add("$2", "bot", "✔", status=content)

    assert seen.lines() == ["bot: ✔"]


def test_success_without_an_end_is_no_success() -> None:
    seen = Transcript()

    seen.add("$2", "bot", "…", status=status(final="yes", succeeded=True))

    answer = seen.answer("$1")
    assert answer is not None
    assert not answer.succeeded


def test_a_read_mark_takes_in_everything_before_it() -> None:
    seen = Transcript()
    for number in ("$1", "$2", "$3"):
        seen.add(number, "stranger", "!ping")

    seen.take_in("$2")

    assert [seen.is_taken_in(number) for number in ("$1", "$2", "$3")] == [True, True, False]


def test_a_read_mark_may_come_before_its_event() -> None:
    seen = Transcript()
    seen.add("$1", "stranger", "!ping")

    seen.take_in("$join")
    before = seen.is_taken_in("$1")
    seen.pass_by("$join")

    assert not before
    assert seen.is_taken_in("$1")


async def test_whoever_waits_is_woken_by_a_change() -> None:
    seen = Transcript()
    waiting = asyncio.create_task(seen.until(lambda: seen.has("$1")))
    await asyncio.sleep(0)

    seen.add("$1", "nounou", "hello")

    await asyncio.wait_for(waiting, PATIENCE)


def test_a_watcher_is_shown_each_edit_beside_what_stood_there() -> None:
    seen = Transcript()
    shown: list[Seen] = []
    seen.watch = shown.append
    seen.add("$1", "bot", "half")

    seen.add("$2", "bot", "done", edits="$1", status=status(final=True))

    assert shown[1] == Seen("$1", "bot", "done", "half", final=True, command="$1")


def test_nothing_that_a_terminal_would_obey_is_printed() -> None:
    seen = Transcript()

    seen.add("$1", "stranger", "\x1b[2Jred\rbot: ✔\x9b\u202egnp\ud800")

    assert seen.lines() == ["stranger: �[2Jred�bot: ✔��gnp�"]


def test_plain_text_is_printed_as_it_is() -> None:
    assert printable("a\tb\r\nc é ✔") == "a\tb\nc é ✔"


def test_an_edit_shows_what_is_new_and_its_last_state_whole() -> None:
    seen = Transcript()
    shown: list[list[str]] = []
    seen.watch = lambda each: shown.append(each.news)

    seen.add("$2", "bot", "head\none", status=status())
    seen.add("$3", "bot", "head\none\ntwo", edits="$2", status=status())
    seen.add("$4", "bot", "done\none", edits="$2", status=status(final=True))

    assert shown == [["head", "one"], ["two"], ["done", "one"]]


def test_what_could_not_be_read_stands_where_it_was_said_once_it_can() -> None:
    seen = Transcript()
    seen.veil("$1", "bot", "(not readable)")
    seen.add("$2", "nounou", "hello")
    before = seen.lines()

    seen.add("$1", "bot", "pong", status=status(final=True))
    seen.add("$1", "bot", "again")

    assert before == ["bot: (not readable)", "nounou: hello"]
    assert seen.lines() == ["bot: pong", "nounou: hello"]


def test_what_was_read_is_not_covered_again() -> None:
    seen = Transcript()
    seen.add("$1", "bot", "pong")

    seen.veil("$1", "bot", "(not readable)")

    assert seen.lines() == ["bot: pong"]


def test_an_edit_that_could_not_be_read_changes_its_message_once_it_can() -> None:
    seen = Transcript()
    seen.add("$1", "bot", "half")
    seen.veil("$2", "bot", "(not readable)")

    seen.add("$2", "bot", "done", edits="$1")

    assert seen.lines() == ["bot: done"]


def test_an_edit_that_comes_before_its_message_can_be_read_stays() -> None:
    seen = Transcript()
    seen.veil("$1", "bot", "(not readable)")
    seen.add("$2", "bot", "done", edits="$1")

    seen.add("$1", "bot", "half")

    assert seen.lines() == ["bot: done"]


def test_what_turns_out_to_be_no_message_leaves_no_cover() -> None:
    seen = Transcript()
    seen.veil("$1", "bot", "(not readable)")

    seen.pass_by("$1")

    assert seen.lines() == []
    assert seen.has("$1")
