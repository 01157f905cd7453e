"""The watch over consoles and its logs: rotated, flooded, on another host, not to be read."""

from __future__ import annotations

from bot.errors import DeviceError, Unreachable
from tests.engine.alive import Place
from tests.engine.kept_consoles import (
    BOOT,
    DULL,
    FSCK,
    IO,
    LOGIN,
    OOM,
    OOM_AGAIN,
    PANIC,
    READ_ONLY,
    Log,
    kept,
    only,
)
from tests.engine.scene import OWL
from tests.engine.watched import begun, titles
from tests.fake_hosts import domain


async def test_an_alert_outlives_the_bot_and_is_told_once(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM)
        await bot.killed()
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await place.later(240)
        alert = await only(bot)
        assert alert.times == 1
        await place.later(3600)
        assert titles(bot) == []


async def test_what_happened_while_no_bot_ran_is_told_when_it_is_back(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await bot.killed()
    log.say("\n" + OOM)
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        assert titles(bot) == ["vm ran out of memory and killed mysqld."]


async def test_a_log_that_was_begun_anew_says_nothing_of_how_things_are(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints(BOOT + FSCK)
        told = titles(bot)
        assert told
        log.be("")
        await place.later(3700)
        assert titles(bot) == told
        await log.prints(LOGIN)
        assert titles(bot) == []


async def test_a_log_that_was_begun_anew_does_not_tell_its_events_again(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM)
        log.be(DULL)
        await place.later(120)
        assert len(titles(bot)) == 1
        await place.later(3600)
        assert titles(bot) == []


async def test_a_flood_between_two_looks_leaves_its_end_and_no_more_alerts(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + IO * 20_000 + PANIC)
        assert sorted(titles(bot)) == ["The kernel of vm panicked.", "vm has I/O errors on xvda1."]
        await log.prints(DULL * 20_000)
        assert sorted(titles(bot)) == ["The kernel of vm panicked.", "vm has I/O errors on xvda1."]


async def test_what_a_guest_prints_cannot_pass_for_the_bots_words(place: Place, log: Log) -> None:
    hostile = (
        "\x1b]0;owned\x07[    1.000000] Out of memory: "
        "Killed process 1 (@room <b>x</b>\u202e\x1b[2J) " + "x" * 5000 + "\n"
    )
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + hostile)
        for alert in bot.engine.alerts.standing:
            said = alert.title + alert.details + alert.hint
            assert len(said) < 1500
            assert "\x1b" not in said
            assert "\u202e" not in said


async def test_what_nobody_may_read_is_in_no_alert(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n[    1.000000] Out of memory: Killed process 7 (x) password: hunter2\n")
        alert = await only(bot)
        assert "hunter2" not in alert.details


async def test_a_host_that_does_not_answer_ends_nothing(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        log.scene.fy.xen.silent = Unreachable("fy cannot be reached.")
        await place.later(600)
        assert len(titles(bot)) == 1
        log.scene.fy.xen.silent = None
        await log.prints(BOOT)
        assert titles(bot) == []


async def test_a_guest_that_a_job_is_at_work_on_is_not_looked_at(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        bot.engine.locks.hold(99, [f"domu/{domain().uuid}"])
        await log.prints(BOOT)
        assert len(titles(bot)) == 1
        bot.engine.locks.release(99)
        await place.later(120)
        assert titles(bot) == []


async def test_a_guest_that_is_gone_is_over(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        log.scene.fy.xen.now()
        await place.later(120)
        assert titles(bot) == []


async def test_a_host_without_logs_is_never_attached_to(place: Place, log: Log) -> None:
    log.scene.fy.xen.kept.clear()
    log.scene.fy.xen.rings[1] = PANIC
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await place.later(600)
        assert titles(bot) == []
        assert log.scene.fy.xen.rings == {1: PANIC}


async def test_the_log_of_an_earlier_time_on_another_host_tells_no_news(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM)
        # it was on fz months ago, and panicked there
        log.scene.moves()
        log.scene.fz.xen.kept["vm"] = kept("\n" + IO + PANIC + DULL, place.clock())
        await place.later(240)
        assert titles(bot) == ["vm ran out of memory and killed mysqld."]
        log.scene.fz.xen.kept["vm"] = kept("\n" + IO + PANIC + DULL + READ_ONLY, place.clock())
        await place.later(120)
        assert "vm took its file system xvda1 read-only." in titles(bot)


async def test_a_guest_that_moved_takes_its_alerts_along(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM + READ_ONLY)
        log.scene.moves()
        # an earlier stay there: a boot, another such event, and somebody logged out
        log.scene.fz.xen.kept["vm"] = kept(BOOT + OOM_AGAIN + LOGIN, place.clock())
        await place.later(120)
        log.scene.fz.xen.kept["vm"] = kept(BOOT + OOM_AGAIN + LOGIN + "x", place.clock())
        await place.later(120)
        assert sorted(titles(bot)) == [
            "vm ran out of memory and killed mysqld.",
            "vm took its file system xvda1 read-only.",
        ]
        # and one that is started there from nothing has left them behind
        log.scene.fz.xen.now(domain(domid=9, uuid=OWL))
        log.scene.fz.xen.kept["vm"] = kept(BOOT + OOM_AGAIN + LOGIN + BOOT + LOGIN, place.clock())
        await place.later(120)
        assert titles(bot) == []


async def test_kernels_that_say_no_time_are_heard_again(place: Place, log: Log) -> None:
    line = "Out of memory: Kill process 712 (mysqld) score 900 or sacrifice child\n"
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + line)
        await place.later(3000)
        await log.prints(line)
        await place.later(3000)
        assert titles(bot) == ["vm ran out of memory and killed mysqld."]
        await place.later(700)
        assert titles(bot) == []


async def test_a_log_that_did_not_grow_is_not_read_again(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await place.later(240)
        before = log.scene.fy.xen.log_reads
        await place.later(1200)
        assert log.scene.fy.xen.log_reads == before
        await log.prints(DULL)
        assert log.scene.fy.xen.log_reads > before


async def test_what_is_printed_in_the_second_of_a_look_is_not_lost(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        printed = place.clock()
        log.be(log.text + DULL, printed)
        await place.later(120)
        log.be(log.text + PANIC, printed)
        await place.later(120)
        assert titles(bot) == ["The kernel of vm panicked."]


async def test_fifty_guests_are_read_part_by_part_and_share_a_message(
    place: Place, log: Log
) -> None:
    names = [f"g{number:02}" for number in range(50)]
    log.scene.fy.xen.now(
        *(
            domain(name, number + 1, uuid=f"{OWL[:-2]}{number:02}")
            for number, name in enumerate(names)
        )
    )
    for name in names:
        log.scene.fy.xen.kept[name] = kept(PANIC, place.clock())
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        assert len(titles(bot)) == 20
        await place.later(240)
        assert len(titles(bot)) == 50
        assert len({alert.post for alert in bot.engine.alerts.standing}) == 1


async def test_one_guest_whose_log_cannot_be_read_hides_no_other(place: Place, log: Log) -> None:
    odd = domain("owl", 2, uuid=OWL)
    log.scene.fy.xen.now(odd, domain())
    log.scene.fy.xen.kept["owl"] = kept(PANIC, place.clock())
    log.scene.fy.xen.broken_logs["owl"] = DeviceError("tail: Input/output error")
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        assert titles(bot) == ["The kernel of vm panicked."]
