"""What becomes of each kind of message, whoever sends it and however often it comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.audit import Entry
from bot.core.chat import Batch, Kind, Message, Proof, Report
from bot.core.jobs import State
from bot.engine import audit_log, housekeeping, jobs
from bot.engine.inbox import Inbox
from bot.engine.jobs import Job
from bot.engine.schema import outbox
from bot.engine.store import Store
from bot.lab import virtual
from bot.lab.blueprint import lab_world
from tests.engine.alive import APPRENTI, STRANGER, Bot, Place, TestedStore, at_work, opened
from tests.fakes import NOUNOU, ROOM, Said

EDITED = "Edits are not run, send it again."
UNREAD = "I could not read that"


def message(event_id: str, body: str = "!ping", **changes: object) -> Message:
    return replace(Message(event_id, ROOM, NOUNOU, body), **changes)  # type: ignore[arg-type]


def edit(event_id: str, body: str = "!ping", target: str = "$0", **changes: object) -> Message:
    return message(event_id, body, kind=Kind.EDIT, target=target, **changes)


def unreadable(event_id: str, **changes: object) -> Message:
    return message(event_id, "", kind=Kind.UNREADABLE, **changes)


async def all_jobs(store: Store) -> list[Job]:
    async with store.read() as tx:
        return await jobs.in_states(tx, State)


async def record(store: Store) -> list[Entry]:
    async with store.read() as tx:
        return await audit_log.tail(tx, 1000)


async def after(bot: Bot, *messages: Message) -> list[Said]:
    """What the bot said because of *messages*, before it answers a later ping."""
    bot.chat.deliver(messages)
    pong = await bot.ask("!ping")
    return [said for said in bot.chat.said() if said is not pong]


class TestEdits:
    async def test_a_command_that_is_edited_in_is_answered_and_not_run(self, bot: Bot) -> None:
        [said] = await after(bot, edit("$1", "!ping", "$0"))

        assert said.plain == f"✘ {EDITED}"
        assert said.post.about == "$0"
        assert len(await all_jobs(bot.store)) == 1

    async def test_it_tells_machines_that_this_was_all(self, bot: Bot) -> None:
        [said] = await after(bot, edit("$1"))

        assert said.status is not None
        assert (said.status.command, said.status.job) == ("$1", 0)
        assert said.status.final
        assert not said.status.succeeded

    async def test_it_is_said_once_for_each_message(self, bot: Bot) -> None:
        said = await after(
            bot, edit("$1", target="$a"), edit("$2", target="$a"), edit("$3", target="$b")
        )

        assert [each.post.about for each in said] == ["$a", "$b"]

    async def test_a_job_whose_message_is_edited_runs_as_it_was_sent(self, bot: Bot) -> None:
        bot.chat.deliver([message("$1", "!ping"), edit("$2", "!whoami", "$1")])

        assert (await bot.chat.answer("$1")).plain == "pong"

    @pytest.mark.parametrize(
        "quiet",
        [edit("$1", "only talk"), edit("$1", sender=STRANGER), edit("$1", "")],
        ids=["talk", "stranger", "empty"],
    )
    async def test_talk_and_strangers_are_not_answered(self, bot: Bot, quiet: Message) -> None:
        assert await after(bot, quiet) == []


class TestUnreadable:
    async def test_is_answered_to_whom_the_config_knows(self, bot: Bot) -> None:
        [said] = await after(bot, unreadable("$1"))

        assert said.plain.startswith(f"✘ {UNREAD}: the key of your message has not reached me.")
        assert said.post.about == "$1"
        assert said.post.to_unsigned
        assert len(await all_jobs(bot.store)) == 1

    async def test_strangers_get_nothing(self, bot: Bot) -> None:
        assert await after(bot, unreadable("$1", sender=STRANGER)) == []

    async def test_a_flood_is_one_sentence_a_minute_and_sender(
        self, place: Place, bot: Bot
    ) -> None:
        flood = [unreadable(f"$a{n}") for n in range(100)]
        others = [unreadable(f"$b{n}", sender=APPRENTI) for n in range(3)]
        assert len(await after(bot, *flood, *others)) == 2

        await place.later(61)

        said = await after(bot, unreadable("$c"))
        assert sum(UNREAD in each.plain for each in said) == 3

    async def test_it_is_said_in_each_room(self, bot: Bot) -> None:
        await after(bot, unreadable("$1"), unreadable("$2", room="#other:localhost"))

        assert len(bot.chat.said("#other:localhost")) == 1

    async def test_read_later_it_is_not_run_since_it_was_to_be_sent_again(self, bot: Bot) -> None:
        await after(bot, unreadable("$1"))
        await after(bot, message("$1", "!whoami"))

        assert [job.line for job in await all_jobs(bot.store)] == ["!ping", "!ping"]


class TestProofs:
    @pytest.mark.parametrize(
        ("proof", "trust", "runs"),
        [
            (Proof.PLAIN, "cross-signed", True),
            (Proof.SIGNED, "cross-signed", True),
            (Proof.LOCAL, "cross-signed", True),
            (Proof.UNSIGNED, "cross-signed", False),
            (Proof.CHANGED, "cross-signed", False),
            (Proof.PLAIN, "any", True),
            (Proof.SIGNED, "any", True),
            (Proof.LOCAL, "any", True),
            (Proof.UNSIGNED, "any", True),
            (Proof.CHANGED, "any", False),
        ],
    )
    async def test_who_is_believed(
        self, place: Place, proof: Proof, trust: str, runs: bool
    ) -> None:
        async with place.bot(trust=trust) as bot:
            bot.chat.deliver([message("$1", proof=proof)])
            said = await bot.chat.answer("$1")

        assert (said.plain == "pong") is runs
        assert said.status is not None
        assert said.status.state == ("succeeded" if runs else "denied")

    async def test_an_unsigned_device_is_told_what_to_do_in_a_post_that_it_can_read(
        self, bot: Bot
    ) -> None:
        bot.chat.deliver([message("$1", "!no such command", proof=Proof.UNSIGNED)])
        said = await bot.chat.answer("$1")

        assert said.plain.splitlines() == [
            "✘ This device is not signed by its owner, so nothing that it sends is run.",
            "Verify it from another of your sessions (Settings → Sessions), "
            "then send the command again.",
        ]
        assert said.post.to_unsigned

    async def test_a_changed_key_is_for_another_administrator_to_confirm(self, bot: Bot) -> None:
        bot.chat.deliver([message("$1", proof=Proof.CHANGED)])
        said = await bot.chat.answer("$1")

        assert "identity key has changed" in said.plain
        assert "!trust nounou FINGERPRINT" in said.plain
        assert said.post.to_unsigned

    async def test_what_is_run_is_not_for_unsigned_devices(self, bot: Bot) -> None:
        bot.chat.deliver(
            [message("$1", proof=Proof.SIGNED), message("$2", "!migrate vm", proof=Proof.PLAIN)]
        )
        await bot.chat.answer("$2")

        assert not any(said.post.to_unsigned for said in bot.chat.said())

    async def test_it_is_recorded_as_a_denial_and_counted_as_one(self, bot: Bot) -> None:
        bot.chat.deliver([message(f"${n}", proof=Proof.UNSIGNED) for n in range(9)])
        await bot.chat.answer("$8")

        entries = await record(bot.store)
        assert [entry.kind for entry in entries].count("denied") == 1
        assert {e.data["via"] for e in entries if e.kind == "asked"} == {"unsigned"}

    async def test_after_an_absence_it_is_denied_at_once_and_not_listed(self, place: Place) -> None:
        async with place.bot() as bot:
            await bot.ask("!ping")
        await place.later(900)
        place.chat.deliver([message("$1", proof=Proof.UNSIGNED)])

        async with place.bot() as bot:
            said = await bot.chat.answer("$1")

        assert "not signed by its owner" in said.plain
        assert not any("I was away" in each.plain for each in place.chat.said())

    async def test_a_line_of_the_local_chat_is_recorded_as_such(self, place: Place) -> None:
        persons = {**place.policy.persons, "local:root": "nounou"}
        place.policy = replace(place.policy, persons=persons)
        async with place.bot() as bot:
            local = Message("$local-1", "local:root", "local:root", "!ping", proof=Proof.LOCAL)
            bot.chat.deliver([local])
            await bot.chat.answer("$local-1")
            [asked] = [e.data for e in await record(bot.store) if e.kind == "asked"]

        assert (asked["person"], asked["sender"], asked["via"]) == ("nounou", "local:root", "local")


class TestSeals:
    async def test_a_second_event_under_one_seal_is_a_replay_and_runs_nothing(
        self, bot: Bot
    ) -> None:
        sealed = message("$1", "!whoami", seal="session 7", proof=Proof.SIGNED)

        said = await after(bot, sealed, replace(sealed, event_id="$2"))

        assert [each.status.command for each in said if each.status] == ["$1"]
        assert len(await all_jobs(bot.store)) == 2
        [replayed] = [e.data for e in await record(bot.store) if e.data.get("why") == "replayed"]
        assert (replayed["event"], replayed["sender"]) == ("$2", NOUNOU)

    async def test_the_same_event_again_is_no_replay(self, bot: Bot) -> None:
        sealed = message("$1", seal="session 7")

        await after(bot, sealed, sealed)

        assert not any(entry.data.get("why") == "replayed" for entry in await record(bot.store))

    async def test_a_replay_is_known_over_restarts_and_years(self, place: Place) -> None:
        async with opened(place.folder) as store:
            engine = place.engine(store)
            await Inbox(engine, ROOM).take(Batch("1", (message("$1", seal="session 7"),)))
            later = replace(engine, clock=lambda: place.clock() + 5 * 365 * 86400)
            await housekeeping._forget(later)
        async with opened(place.folder) as store:
            inbox = Inbox(place.engine(store), ROOM)
            # the event itself is forgotten by now
            await inbox.take(Batch("2", (message("$1", seal="session 7"),)))
            await inbox.take(Batch("3", (message("$2", seal="session 7"),)))
            assert len(await all_jobs(store)) == 1

    async def test_a_flood_of_replays_is_counted(self, bot: Bot) -> None:
        await after(bot, *(message(f"${n}", seal="session 7") for n in range(50)))

        kinds = [e.kind for e in await record(bot.store) if e.data.get("why") == "replayed"]
        assert kinds == ["denied"]

    async def test_a_seal_of_any_length_is_kept(self, bot: Bot) -> None:
        long = "s" * 5000

        await after(bot, message("$1", seal=long + "1"), message("$2", seal=long + "2"))

        assert len(await all_jobs(bot.store)) == 3


class TestReports:
    async def reported(self, bot: Bot, *reports: Report) -> list[str]:
        bot.chat.batches.append(Batch("r", (), reports))
        bot.chat.changed()
        await bot.chat.until(lambda: bot.chat.taken_in == len(bot.chat.batches))
        await bot.engine.outbox.drained()
        return [said.plain for said in bot.chat.said() if said.plain.startswith("⚠")]

    async def test_are_said_once_for_ever(self, place: Place) -> None:
        report = Report("invitation:x", "@x:y invited me\x07 to a room.")
        async with place.bot() as bot:
            assert await self.reported(bot, report, report) == ["⚠ @x:y invited me to a room."]
        await place.later(4000)

        async with place.bot() as bot:
            assert len(await self.reported(bot, report)) == 1

    async def test_no_more_of_them_than_people_can_bear(self, place: Place, bot: Bot) -> None:
        flood = [Report(f"invitation:{n}", f"stranger {n}") for n in range(50)]
        assert len(await self.reported(bot, *flood)) == 5

        await place.later(3700)

        assert len(await self.reported(bot, Report("kicked:1", "I was put out."))) == 6

    async def test_many_of_one_kind_hide_none_of_another(self, bot: Bot) -> None:
        flood = [Report(f"invitation:{n}", f"stranger {n}") for n in range(50)]
        others = [Report("key-changed @x:y k", "A key."), Report("kicked:1", "I was put out.")]

        assert (await self.reported(bot, *flood, *others))[5:] == ["⚠ A key.", "⚠ I was put out."]

    async def test_one_that_was_too_many_is_said_when_it_comes_again(
        self, place: Place, bot: Bot
    ) -> None:
        flood = [Report(f"invitation:{n}", f"stranger {n}") for n in range(6)]
        await self.reported(bot, *flood)
        await place.later(3700)

        assert (await self.reported(bot, *flood))[5:] == ["⚠ stranger 5"]


STORY = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(Kind),
        st.sampled_from(Proof),
        st.sampled_from(["", "seal 1", "seal 2"]),
        st.integers(0, 4),
    ),
    max_size=12,
)


@settings(max_examples=10)
@given(STORY, st.booleans())
def test_whatever_comes_in_whatever_order_each_job_has_one_end_or_waits_for_a_person(
    tmp_path_factory: pytest.TempPathFactory,
    story: Sequence[tuple[int, Kind, Proof, str, int]],
    late: bool,
) -> None:
    folder = tmp_path_factory.mktemp("state")

    async def live() -> None:
        place = Place(folder, lab_world())
        async with place.bot() as bot:
            await bot.ask("!ping")
        await place.later(900.0 if late else 1.0)
        place.chat.deliver(
            [
                message(f"$s{n}", "!ping", kind=kind, proof=proof, seal=seal, target=f"$s{target}")
                for n, kind, proof, seal, target in story
            ]
        )
        async with place.bot() as bot:
            await bot.chat.until(lambda: bot.chat.taken_in == len(bot.chat.batches))
            await bot.ask("!ping")
            await bot.engine.outbox.drained()
            found = await all_jobs(bot.store)
            assert len({job.event_id for job in found}) == len(found)
            for job in found:
                assert (bot.chat.final(job.event_id) is None) is (job.state is State.HELD)
                assert late or job.state is not State.HELD
        await place.lab.close()

    virtual.run(live(), busy=at_work)


async def test_an_answer_to_no_job_is_written_with_the_batch_or_not_at_all(
    place: Place, store: TestedStore
) -> None:
    inbox = Inbox(place.engine(store), ROOM)
    batch = Batch("1", (edit("$1"), unreadable("$2")))

    await inbox.take(batch)
    await inbox.take(batch)

    async with store.read() as tx:
        assert len((await tx.execute(outbox.select())).all()) == 2
