"""What is sent to a device is in the record before it is sent, and what came back after it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.core.tally import Tally
from bot.core.text import MASK
from bot.devices.detached import bar, detach
from bot.devices.session import Call, Output, Session, T
from bot.engine import audit_log
from bot.engine.context import Context
from bot.engine.following import send_once
from bot.engine.recording import RecordedSession
from bot.engine.store import Store
from bot.errors import DeviceError, OutcomeUnknown, StoreError
from tests.engine.alive import Bot, Place, TestedStore
from tests.engine.toys import Toys


class Device(Session):
    """A device that notes what the record says at the moment at which something arrives."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.output = Output("done\n", exit=3)
        self.breaks: Exception | None = None
        #: nothing more can be recorded there once a call has arrived
        self.breaks_store: TestedStore | None = None
        self.arrived: list[tuple[str, ...]] = []
        self.known: list[dict[str, Any]] = []

    async def run(self, call: Call[T]) -> T:
        self.arrived.append(call.words)
        self.known = await record(self.store)
        if self.breaks_store is not None:
            await self.breaks_store.breaks("audit")
        if self.breaks is not None:
            raise self.breaks
        return call.parse(self.output)

    async def close(self) -> None:
        self.arrived.append(("closed",))


async def record(store: Store) -> list[dict[str, Any]]:
    """What the record says of changes that were sent."""
    async with store.read() as tx:
        entries = await audit_log.tail(tx, 1000)
    return [
        {"kind": entry.kind, **entry.data}
        for entry in entries
        if entry.kind in ("sent", "returned")
    ]


def change(*words: str, **more: Any) -> Call[str]:
    return Call(words, lambda output: output.stdout, changes=True, **more)


def fails(output: Output) -> str:
    raise DeviceError(f"the device says {output.stdout}")


@pytest.fixture
def device(store: TestedStore) -> Device:
    return Device(store)


@pytest.fixture
def session(device: Device, store: TestedStore) -> RecordedSession:
    return RecordedSession(device, "fy", store, time.time, Tally())


async def test_a_change_is_in_the_record_before_it_arrives_and_its_exit_code_after(
    session: RecordedSession, device: Device, store: TestedStore
) -> None:
    assert await session.run(change("xl", "destroy", "a b")) == "done\n"

    sent = {"kind": "sent", "person": "bot", "where": "fy", "words": "xl destroy 'a b'"}
    assert device.known == [sent]
    assert await record(store) == [
        sent,
        {"kind": "returned", "person": "bot", "where": "fy", "exit": 3},
    ]


async def test_a_question_leaves_no_record(session: RecordedSession, store: TestedStore) -> None:
    await session.run(Call(("xl", "list"), lambda output: output.stdout))

    assert await record(store) == []


async def test_nothing_is_sent_that_cannot_be_recorded(
    session: RecordedSession, device: Device, store: TestedStore
) -> None:
    await store.breaks("audit")

    with pytest.raises(StoreError):
        await session.run(change("xl", "destroy", "vm"))

    assert device.arrived == []
    assert await session.run(Call(("xl", "list"), lambda output: output.stdout)) == "done\n"


async def test_a_refusal_is_recorded_with_its_exit_code_and_raised(
    session: RecordedSession, store: TestedStore
) -> None:
    with pytest.raises(DeviceError):
        await session.run(Call(("xl", "destroy", "vm"), fails, changes=True))

    assert (await record(store))[-1] == {
        "kind": "returned",
        "person": "bot",
        "where": "fy",
        "exit": 3,
        "error": "device",
        "why": "the device says done",
    }


async def test_a_lost_link_is_recorded_without_an_exit_code(
    session: RecordedSession, device: Device, store: TestedStore
) -> None:
    device.breaks = OutcomeUnknown("nobody knows")

    with pytest.raises(OutcomeUnknown):
        await session.run(change("xl", "destroy", "vm"))

    [_sent, returned] = await record(store)
    assert (returned["error"], returned["why"]) == ("unknown", "nobody knows")
    assert "exit" not in returned


async def test_what_came_back_is_told_though_it_cannot_be_recorded(
    session: RecordedSession, device: Device, store: TestedStore
) -> None:
    device.breaks_store = store

    assert await session.run(change("xl", "destroy", "vm")) == "done\n"
    assert [each["kind"] for each in await record(store)] == ["sent"]


async def test_a_secret_word_is_masked_in_what_is_sent_and_in_what_comes_back(
    session: RecordedSession, device: Device, store: TestedStore
) -> None:
    device.output = Output("no such password: hunter2")

    with pytest.raises(DeviceError):
        await session.run(
            Call(("set", "password", "hunter2"), fails, changes=True, secrets=frozenset({2}))
        )

    assert device.arrived == [("set", "password", "hunter2")]
    sent, returned = await record(store)
    assert sent["words"] == f"set password '{MASK}'"
    assert returned["why"] == f"the device says no such password: {MASK}"


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (detach("jobs/a-1-1", ("xl", "migrate", "vm")), "nounou-detach jobs/a-1-1 xl migrate vm"),
        (bar("jobs/a-1-1"), "nounou-bar jobs/a-1-1"),
    ],
)
async def test_of_a_script_its_arguments_are_recorded(
    session: RecordedSession, device: Device, store: TestedStore, call: Call[Any], shown: str
) -> None:
    device.output = Output("started\n" if "detach" in shown else "barred\n")

    await session.run(call)

    assert (await record(store))[0]["words"] == shown


class TestInAJob:
    async def test_a_change_is_recorded_in_the_name_of_who_asked(self, place: Place) -> None:
        async with place.bot() as bot:
            await bot.ask("!migrate vm fz")
            sent = [each for each in await record(bot.store) if each["kind"] == "sent"]

            [move] = [each for each in sent if "nounou-detach" in each["words"]]
            [ended] = [each for each in await record(bot.store) if "attempt" in each]

        about = {"job": 1, "person": "nounou", "verb": "domu.migrate", "objects": ["vm", "fz"]}
        for each in [*(each for each in sent if each["person"] != "bot"), ended]:
            assert {key: each[key] for key in about} == about
        _script, folder, *words = move["words"].split()
        assert (move["where"], words) == ("fy", ["sudo", "xl", "migrate", "vm", "fz"])
        assert folder.endswith(ended["attempt"])
        assert (ended["where"], ended["phase"], ended["exit"]) == ("fy", "ended", 0)

    async def test_a_long_command_is_not_begun_where_that_cannot_be_recorded(
        self, place: Place
    ) -> None:
        toys = Toys()
        place.registry = toys.registry()

        async def work(ctx: Context) -> None:
            async with ctx.step("turn the screw", changes=True):
                await ctx.no_return()
                await bot.store.breaks("audit")
                try:
                    await send_once(ctx.world.hosts["fy"], "a-1-1", ("sudo", "xl", "info"))
                finally:
                    await bot.store.mend()

        toys.work["it"] = work
        async with place.bot() as bot:
            said = await bot.ask("!change it")

        assert said.status is not None
        assert said.status.state == "failed"
        assert "The record cannot be written" in said.plain
        assert place.migrations() == []

    async def test_what_no_job_asked_for_the_bot_does_by_itself(self, bot: Bot) -> None:
        await bot.ask("!ping")
        await bot.place.later(60)

        claims = [each for each in await record(bot.store) if each["kind"] == "sent"]
        assert {each["person"] for each in claims} == {"bot"}
        assert {each["where"] for each in claims} == {*bot.place.lab.hosts}

    async def test_a_return_that_cannot_be_recorded_makes_the_jobs_record_incomplete(
        self, place: Place
    ) -> None:
        toys = Toys()
        place.registry = toys.registry()

        async def work(ctx: Context) -> None:
            device = Device(bot.store)
            device.breaks_store = bot.store
            session = RecordedSession(device, "fy", bot.store, place.clock, place.tally)
            async with ctx.step("turn the screw", changes=True):
                assert await session.run(change("xl", "destroy", "vm")) == "done\n"
            await bot.store.mend()

        toys.work["it"] = work
        async with place.bot() as bot:
            said = await bot.ask("!change it")

        assert "changed it" in said.plain
        assert "The record of this job is incomplete" in said.plain
