"""The bot's own watches, on the lab's site: what each tells, and when it is over."""

from __future__ import annotations

from sqlalchemy import update

from bot.app import known_watches
from bot.core.alerts import Severity
from bot.core.pulse import Pulse
from bot.devices.xen import MigrationOutcome
from bot.engine.schema import audit
from bot.lab.faults import KILL_HOST, MISSING_LINK, REFUSE, REVIVE, STALE_LINK, Fault
from tests.engine.alive import Place
from tests.engine.scene import Scene
from tests.engine.watched import begun, titles, watches


def test_the_bot_has_these_watches_and_each_says_what_it_looks_at() -> None:
    assert [each.name for each in known_watches()] == [
        "clocks",
        "consoles",
        "domus",
        "hosts",
        "jobs",
        "links",
        "record",
        "sync",
    ]
    assert all(each.summary for each in known_watches())


async def test_a_site_in_order_raises_nothing(place: Place) -> None:
    place.watches = known_watches()
    async with place.bot() as bot:
        await begun(bot)
        await place.later(900)

        assert titles(bot) == []
        assert await bot.engine.alerts.recent(10) == []


async def test_a_host_is_told_when_it_did_not_answer_twice_and_is_over_when_it_does(
    place: Place,
) -> None:
    place.watches = watches("hosts")
    async with place.bot() as bot:
        await begun(bot)
        place.lab.fault(Fault(REFUSE, "fy"))
        await place.later(30)
        assert titles(bot) == []

        await place.later(30)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "fy does not answer: fy cannot be reached."
        assert alert.severity is Severity.CRITICAL
        assert alert.names == ("fy",)

        place.lab.faults.clear()
        await place.later(30)
        assert titles(bot) == []


async def test_a_host_of_another_bot_is_told(place: Place) -> None:
    place.watches = watches("hosts")
    session = place.world().hosts["fz"].ownership
    await session.claim("another")
    async with place.bot() as bot:
        await begun(bot)
        await place.later(30)

        (alert,) = bot.engine.alerts.standing
        # asking leaves entries in the record, so it is not done at each look
        asked = [line for line in place.sent if line.startswith("fz") and "owner" in line]
        await place.later(300)
        assert [line for line in place.sent if line.startswith("fz") and "owner" in line] == asked
        assert "fz belongs to another bot (its id is another)" in alert.title
        assert alert.severity is Severity.WARNING


async def test_links_are_verified_when_a_host_came_back_and_until_they_are_right(
    place: Place,
) -> None:
    place.watches = watches("links")
    async with place.bot() as bot:
        await begun(bot)
        # not before it came back: a link that is lost while it runs is no business of this watch
        place.lab.fault(Fault(KILL_HOST, "fy"))
        place.lab.fault(Fault(REVIVE, "fy"))
        place.lab.fault(Fault(STALE_LINK, "fy", "vm-root"))
        place.lab.fault(Fault(MISSING_LINK, "fy", "zamok-root"))
        await place.later(60)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "Links on fy do not verify, those of the disks of vm, zamok."
        assert "/dev/vm-root on fy leads to another volume" in alert.details
        assert "/dev/zamok-root is missing on fy." in alert.details
        await place.later(300)
        assert len(titles(bot)) == 1

        place.lab.hosts["fy"].disks.update()
        await place.later(60)
        assert titles(bot) == []


async def test_an_array_that_is_silent_leaves_links_to_be_verified_later(place: Place) -> None:
    place.watches = watches("links")
    async with place.bot() as bot:
        await begun(bot)
        place.lab.fault(Fault(KILL_HOST, "fy"))
        place.lab.fault(Fault(REVIVE, "fy"))
        place.lab.fault(Fault(MISSING_LINK, "fy", "vm-root"))
        place.lab.fault(Fault(REFUSE, "nols"))
        await place.later(120)
        assert titles(bot) == []

        place.lab.faults.clear()
        await place.later(60)
        assert titles(bot) == ["Links on fy do not verify, those of the disks of vm."]


async def test_a_chat_that_is_not_heard_is_told_and_over_when_it_is(place: Place) -> None:
    place.watches = watches("sync")
    now = 0.0
    pulse = Pulse(lambda: now)
    pulse.heard()
    async with place.bot(pulse=pulse) as bot:
        await begun(bot)
        now = place.timing.away + 100.0
        await place.later(30)
        (alert,) = bot.engine.alerts.standing
        assert alert.title.startswith("The chat was not heard since ")
        assert alert.severity is Severity.WARNING
        now += 600.0
        await place.later(30)
        assert titles(bot) == [alert.title]

        pulse.heard()
        await place.later(30)
        assert titles(bot) == []


async def test_a_room_in_which_nothing_can_be_said_is_told(place: Place) -> None:
    place.watches = watches("sync")
    async with place.bot() as bot:
        await begun(bot)
        place.chat.down = True
        place.chat.say("!ping")
        await place.later(120)
        assert titles(bot) == ["Nothing can be said in #nounou:localhost."]

        place.chat.down = False
        await place.later(120)
        assert titles(bot) == []


async def test_a_job_whose_end_is_not_known_is_told_until_somebody_settles_it(
    place: Place,
) -> None:
    scene = Scene()
    scene.fy.xen.outcome = MigrationOutcome(False, "lost track", undefined=True)
    place.watches = watches("jobs")
    async with place.bot(scene.world) as bot:
        await bot.ask("!migrate vm fz")
        await place.later(35)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "Nobody knows how job 1 of nounou ended: !migrate vm fz"
        assert alert.names == ("vm",)
        assert "{prefix}job settle 1" in alert.hint
        await bot.killed()
    async with place.bot(scene.world) as bot:
        await begun(bot)
        assert len(titles(bot)) == 1

        settled = await bot.ask("!job settle 1")
        await place.later(35)
        assert titles(bot) == [], settled.plain


async def test_a_record_that_somebody_changed_is_told(place: Place) -> None:
    place.watches = watches("record")
    async with place.bot() as bot:
        await begun(bot)
        await bot.ask("!hold vm do not touch")
        await place.later(300)
        assert titles(bot) == []

        async with bot.store.write() as tx:
            await tx.execute(update(audit).where(audit.c.number == 1).values(data="{}"))
        await place.later(300)

        (alert,) = bot.engine.alerts.standing
        assert alert.title == "The audit record is not whole."
        assert alert.loud
