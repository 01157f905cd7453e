"""The bot's own watches, on the lab's site: what each tells, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import update

from bot.app import known_watches
from bot.core.alerts import Severity
from bot.core.pulse import Pulse
from bot.core.watch import Watch
from bot.devices.xen import MigrationOutcome
from bot.engine.schema import audit
from bot.lab.domains import Domain, Life
from bot.lab.faults import KILL_HOST, MISSING_LINK, REFUSE, REVIVE, STALE_LINK, Fault
from tests.engine.alive import Bot, Place
from tests.engine.scene import Scene

#: a look after so many seconds is over by then
SPARE = 5.0


def watches(*names: str, every: float | None = None) -> Sequence[Watch]:
    """Those of the bot's own watches that are called *names*, as often as they say."""
    found = {each.name: each for each in known_watches()}
    return [replace(found[name], every=every or found[name].every) for name in names]


def titles(bot: Bot) -> list[str]:
    """What stands now, without its details."""
    return [alert.title for alert in bot.engine.alerts.standing]


async def begun(bot: Bot) -> None:
    """Let every watch look once."""
    # recovery is over once a command is answered
    await bot.ask("!ping")
    await bot.place.later(SPARE)


def test_the_bot_has_these_watches_and_each_says_what_it_looks_at() -> None:
    assert [each.name for each in known_watches()] == [
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
        assert alert.title == "fy does not answer."
        assert alert.severity is Severity.CRITICAL
        assert alert.names == ("fy",)
        assert "cannot be reached" in alert.details

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
        assert "fz belongs to another bot (its id is another)" in alert.title
        assert alert.severity is Severity.WARNING


def vm(place: Place) -> Domain:
    """The domain of vm on fy."""
    return next(each for each in place.lab.hosts["fy"].domains.values() if each.name == "vm")


async def test_a_guest_that_crashed_is_told_until_it_is_away(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        domain = vm(place)
        fy.live(domain, Life.CRASHED)
        await place.later(60)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "vm crashed."
        assert alert.names == ("vm",)

        fy.live(domain, Life.ALIVE)
        await place.later(60)
        assert titles(bot) == []


async def test_a_guest_that_somebody_ended_is_gone_after_two_looks_and_back_with_it(
    place: Place,
) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        domain = vm(place)
        fy.drop(domain)
        await place.later(60)
        assert titles(bot) == []
        await place.later(60)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "vm is gone: it is on no host, and the bot did not end it."
        assert alert.details.startswith("It ran on fy at ")

        fy.build(domain.guest, Life.ALIVE)
        await place.later(60)
        assert titles(bot) == []


async def test_a_guest_that_went_while_no_bot_ran_is_gone_too(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        await bot.killed()
    fy = place.lab.hosts["fy"]
    fy.drop(vm(place))
    async with place.bot() as bot:
        await begun(bot)
        assert titles(bot) == []
        await bot.killed()
    async with place.bot() as bot:
        await begun(bot)
        assert titles(bot) == ["vm is gone: it is on no host, and the bot did not end it."]
        await bot.killed()
    async with place.bot() as bot:
        await begun(bot)
        await place.later(120)

        assert [alert.times for alert in bot.engine.alerts.standing] == [1]


async def test_a_guest_of_a_host_that_is_silent_is_not_gone(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        place.lab.fault(Fault(REFUSE, "fy"))
        await place.later(600)
        assert titles(bot) == []

        place.lab.faults.clear()
        await place.later(300)
        assert titles(bot) == []


async def test_an_alert_about_a_guest_is_not_over_because_a_host_is_silent(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        fy.drop(vm(place))
        await place.later(120)
        told = titles(bot)
        assert len(told) == 1

        place.lab.fault(Fault(REFUSE, "fz"))
        await place.later(300)
        assert titles(bot) == told


async def test_guests_whose_host_lost_its_power_are_gone_once_it_is_back(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        place.lab.fault(Fault(KILL_HOST, "fz"))
        await place.later(300)
        assert titles(bot) == []

        place.lab.fault(Fault(REVIVE, "fz"))
        await place.later(120)
        assert titles(bot) == ["redisdead is gone: it is on no host, and the bot did not end it."]


async def test_two_copies_are_told_at_once_and_loudly(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        domain = vm(place)
        copy = place.lab.hosts["fz"].build(domain.guest, Life.ALIVE)
        await place.later(60)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "vm runs more than once: vm@fy + vm@fz."
        assert alert.loud
        assert alert.severity is Severity.CRITICAL

        # nor does it end where one of the hosts cannot be asked
        place.lab.fault(Fault(REFUSE, "fz"))
        await place.later(120)
        assert len(titles(bot)) == 1
        place.lab.faults.clear()
        place.lab.hosts["fz"].drop(copy)
        await place.later(60)
        assert titles(bot) == []
        # this is what the test did on purpose
        assert place.lab.watch.seen
        place.lab.watch.seen.clear()


async def test_two_copies_under_two_names_are_one_alert_about_both(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        domain = vm(place)
        place.lab.hosts["fz"].build(domain.guest, Life.ALIVE, name="clone")
        await place.later(60)

        (alert,) = bot.engine.alerts.standing
        assert alert.title == "clone runs more than once: vm@fy + clone@fz."
        assert alert.names == ("clone", "vm")
        place.lab.watch.seen.clear()


async def test_what_is_left_half_moved_is_told(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        domain = vm(place)
        half = place.lab.hosts["fz"].build(domain.guest, Life.PAUSED, name="vm--incoming")
        await place.later(60)
        assert titles(bot) == ["vm is left half-moved, and nothing moves it."]

        place.lab.hosts["fz"].drop(half)
        await place.later(60)
        assert titles(bot) == []
        place.lab.watch.seen.clear()


async def test_what_the_bot_itself_moves_or_destroys_raises_nothing(place: Place) -> None:
    place.watches = watches("domus", "links", every=1.0)
    place.approvals = replace(place.approvals, by_risk={})
    async with place.bot() as bot:
        await begun(bot)
        moved = await bot.ask("!migrate vm fz")
        assert place.where("vm") == ["fz"], moved.plain
        await place.later(30)
        destroyed = await bot.ask("!domu destroy vm")
        assert place.where("vm") == [], destroyed.plain
        await place.later(30)

        assert titles(bot) == []
        assert await bot.engine.alerts.recent(10) == []


async def test_a_guest_that_a_person_closed_is_forgotten_until_it_was_back(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        domain = vm(place)
        fy.drop(domain)
        await place.later(120)
        (alert,) = bot.engine.alerts.standing
        async with bot.engine.alerts.change() as change:
            await change.close(alert, "nounou")
        await place.later(120)
        assert titles(bot) == []
        assert bot.engine.alerts.desk.of_source("domus") == []

        again = fy.build(domain.guest, Life.ALIVE)
        await place.later(400)
        fy.drop(again)
        await place.later(120)
        assert len(titles(bot)) == 1


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
        assert alert.title == "fy came back, and links there do not verify: vm, zamok."
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
        assert titles(bot) == ["fy came back, and links there do not verify: vm."]


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
