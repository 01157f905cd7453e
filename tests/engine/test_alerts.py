"""Alerts in a bot: told once, edited, repeated, muted, kept over restarts, never a flood."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.core.alerts import AlertState, Finding, Severity, Sight, Told
from bot.core.calling import EVERYBODY, Call, Calling
from bot.core.holds import HoldKind
from bot.core.plan import Thing
from bot.engine import jobs
from bot.engine.jobs import Job
from bot.errors import Refused, StoreError
from tests.engine.alive import NOUNOU2, Bot, Place
from tests.fakes import NOUNOU, Said

CALLING = Calling(
    {
        Severity.CRITICAL: Call(("nounou2",), 300.0, (EVERYBODY,)),
        Severity.WARNING: Call((), None),
    }
)
VM = frozenset({(Thing.DOMU, "vm")})


def finding(key: str = "fy", severity: Severity = Severity.CRITICAL, **more: object) -> Finding:
    return replace(Finding(key, severity, f"{key} does not answer"), **more)  # type: ignore[arg-type]


def told_alerts(bot: Bot) -> list[Said]:
    """The messages about alerts, without those that call again."""
    return [
        said for said in bot.chat.said() if "alert" in said.post.txn and "call" not in said.post.txn
    ]


def calls(bot: Bot) -> list[Said]:
    return [said for said in bot.chat.said() if "-call-" in said.post.txn]


@pytest.fixture
async def bot(bot: Bot) -> Bot:
    bot.engine.calling = CALLING
    # recovery is over once a command is answered
    await bot.ask("!ping")
    return bot


async def shown(bot: Bot, words: str) -> Said:
    """The message about alerts that says *words*, once it does."""
    await bot.chat.until(lambda: any(words in said.plain for said in told_alerts(bot)))
    return next(said for said in told_alerts(bot) if words in said.plain)


async def test_a_finding_is_one_message_that_is_edited_to_its_end(bot: Bot) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("hosts", Sight((finding(),)))
    said = await shown(bot, "fy does not answer")
    assert said.plain.startswith("🔥 alert 1: fy does not answer")
    assert said.post.mentions == (NOUNOU2,)

    await alerts.saw("hosts", Sight((finding(),)))
    await alerts.acknowledge(await job(bot), alerts.standing, "on it")
    await shown(bot, "acknowledged by nounou")
    await alerts.saw("hosts", Sight())
    await shown(bot, "over at")

    assert len(told_alerts(bot)) == 1
    assert alerts.standing == []


async def job(bot: Bot) -> Job:
    """A job of nounou that has done nothing, for what asks for one."""
    async with bot.store.read() as tx:
        found = await jobs.get(tx, 1)
    assert found is not None
    return found


async def test_it_is_repeated_until_somebody_acknowledges_and_then_calls_more(
    bot: Bot, place: Place
) -> None:
    await bot.engine.alerts.saw("hosts", Sight((finding(),)))
    await shown(bot, "fy does not answer")

    await place.later(700.0)
    assert next(call.post.mentions for call in calls(bot)) == (NOUNOU2,)
    assert NOUNOU in calls(bot)[1].post.mentions
    assert "Nobody has acknowledged alert 1 yet" in calls(bot)[0].plain

    await bot.engine.alerts.acknowledge(await job(bot), bot.engine.alerts.standing, "on it")
    before = len(calls(bot))
    await place.later(3000.0)
    assert len(calls(bot)) == before


async def test_what_nobody_could_look_at_is_not_over(bot: Bot) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("domus", Sight((finding("vm", objects=VM),)))
    await alerts.saw("domus", Sight(unseen=VM))
    assert [alert.key for alert in alerts.standing] == ["vm"]

    await alerts.saw("domus", Sight())
    assert alerts.standing == []


async def test_one_that_comes_back_soon_is_the_old_one_in_its_old_message(
    bot: Bot, place: Place
) -> None:
    alerts = bot.engine.alerts
    for sight in (Sight((finding(),)), Sight(), Sight((finding(),))):
        await alerts.saw("hosts", sight)
        await place.later(5.0)
    assert (alerts.standing[0].id, alerts.standing[0].times) == (1, 2)
    assert len(told_alerts(bot)) == 1

    await alerts.saw("hosts", Sight())
    await place.later(1000.0)
    await alerts.saw("hosts", Sight((finding(),)))
    assert alerts.standing[0].id == 2


async def test_a_hold_mutes_the_alerts_of_its_object_for_its_time(bot: Bot, place: Place) -> None:
    await bot.ask("!hold vm for 10m reason its disks are being copied")
    alerts = bot.engine.alerts
    await alerts.saw("domus", Sight((finding("vm", objects=VM), finding("owl"))))
    said = await shown(bot, "Nobody is called: DomU vm is held by nounou")
    assert said.post.mentions == ()
    other = await shown(bot, "owl does not answer")
    assert other.post.mentions == (NOUNOU2,)

    await place.later(650.0)
    assert any("vm does not answer" in call.plain for call in calls(bot))
    assert "Nobody is called" not in (await shown(bot, "vm does not answer")).plain


async def test_where_data_is_being_destroyed_a_hold_mutes_nothing(bot: Bot) -> None:
    await bot.ask("!hold vm for 10m reason its disks are being copied")
    alerts = bot.engine.alerts
    await alerts.saw("domus", Sight((finding("vm", objects=VM, loud=True),)))
    said = await shown(bot, "vm does not answer")

    assert said.post.mentions == (NOUNOU2,)


async def test_maintenance_mutes_the_host_and_no_other(bot: Bot) -> None:
    await bot.ask("!host maintenance fy on reason new memory")
    assert bot.engine.holds.on(HoldKind.MAINTENANCE, "fy")
    alerts = bot.engine.alerts
    hosts = {name: frozenset({(Thing.HOST, name)}) for name in ("fy", "fz")}
    await alerts.saw("hosts", Sight(tuple(finding(n, objects=o) for n, o in hosts.items())))

    muted = {alert.key: bool(alerts.muted(alert)) for alert in alerts.standing}
    assert muted == {"fy": True, "fz": False}


async def test_a_silence_lasts_for_its_time_and_through_a_new_firing(
    bot: Bot, place: Place
) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("hosts", Sight((finding(),)))
    now = bot.engine.clock()
    await alerts.silence(await job(bot), alerts.standing, now + 600, "known", "silenced")
    await alerts.saw("hosts", Sight())
    await alerts.saw("hosts", Sight((finding(),)))
    assert "nounou silenced it" in alerts.muted(alerts.standing[0])

    await place.later(700.0)
    assert alerts.muted(alerts.standing[0]) == ""


async def test_one_that_is_closed_does_not_fire_again_before_it_was_gone(bot: Bot) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("domus", Sight((finding("vm"),)))
    await alerts.close(await job(bot), alerts.standing, "meant so", "closed")
    await alerts.saw("domus", Sight((finding("vm"),)))
    assert alerts.standing == []

    await alerts.saw("domus", Sight())
    await alerts.saw("domus", Sight((finding("vm"),)))
    assert [alert.state for alert in alerts.standing] == [AlertState.FIRING]


async def test_of_two_who_acknowledge_at_once_the_second_is_told(bot: Bot) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("hosts", Sight((finding(),)))
    standing, asker = alerts.standing, await job(bot)
    results = await asyncio.gather(
        *(alerts.acknowledge(asker, standing, "on it") for _n in range(2)),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None), Refused]


async def test_a_storm_is_a_handful_of_messages_and_loses_nothing(bot: Bot, place: Place) -> None:
    alerts = bot.engine.alerts
    words = [Told(finding(f"disk{n}", Severity.WARNING), firing=True) for n in range(10_000)]
    batches = [words[start : start + 100] for start in range(0, len(words), 100)]
    await asyncio.gather(
        *(alerts.told(f"source{number % 20}", batch) for number, batch in enumerate(batches)),
        *(alerts.told(f"source{number % 20}", batch) for number, batch in enumerate(batches)),
    )
    await place.later(30.0)

    assert len(alerts.standing) == 10_000
    assert len(told_alerts(bot)) <= CALLING.messages_a_minute + 1
    storm = await shown(bot, "9994 alerts")
    assert "… and 9986 more: !alert list" in storm.plain

    ends = [Told(word.finding, firing=False) for word in words]
    for number, start in enumerate(range(0, len(ends), 100)):
        await alerts.told(f"source{number % 20}", ends[start : start + 100])
    assert alerts.standing == []
    await shown(bot, "9994 resolved")


async def test_nothing_is_lost_where_the_store_fails(bot: Bot) -> None:
    alerts = bot.engine.alerts
    await bot.store.breaks("alerts")
    with pytest.raises(StoreError):
        await alerts.told("prometheus", [Told(finding(), firing=True)])
    assert alerts.standing == []

    await bot.store.mend()
    await alerts.told("prometheus", [Told(finding(), firing=True)])
    assert [alert.id for alert in alerts.standing] == [1]


@pytest.mark.parametrize("stage", ["firing", "acknowledged", "closed", "resolved"])
async def test_a_restart_in_every_state_goes_on_where_it_was(place: Place, stage: str) -> None:
    async with place.bot(calling=CALLING) as bot:
        await bot.ask("!ping")
        alerts = bot.engine.alerts
        await alerts.saw("hosts", Sight((finding(),)))
        asker = await job(bot)
        if stage == "acknowledged":
            await alerts.acknowledge(asker, alerts.standing, "on it")
        if stage == "closed":
            await alerts.close(asker, alerts.standing, "so", "closed")
        if stage == "resolved":
            await alerts.saw("hosts", Sight())
        await bot.killed()

    async with place.bot(calling=CALLING) as bot:
        await bot.ask("!ping")
        alerts = bot.engine.alerts
        still = {"firing": AlertState.FIRING, "acknowledged": AlertState.ACKNOWLEDGED}
        assert [alert.state for alert in alerts.standing] == [
            state for name, state in still.items() if name == stage
        ]
        # the message is there, or comes now, and only once
        await place.later(10.0)
        assert len(told_alerts(bot)) == 1
        await alerts.saw("hosts", Sight())
        await shown(bot, "closed by" if stage == "closed" else "over at")


async def test_a_worse_one_fires_though_it_was_acknowledged(bot: Bot) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("clocks", Sight((finding("vm", Severity.WARNING),)))
    await alerts.acknowledge(await job(bot), alerts.standing, "on it")
    await alerts.saw("clocks", Sight((finding("vm", Severity.CRITICAL),)))

    assert [alert.state for alert in alerts.standing] == [AlertState.FIRING]
    await bot.chat.until(lambda: any(NOUNOU2 in call.post.mentions for call in calls(bot)))


async def test_who_writes_for_all_and_is_cancelled_loses_nobodys_words(bot: Bot) -> None:
    alerts = bot.engine.alerts
    tasks = [
        asyncio.create_task(alerts.told(f"source{n}", [Told(finding(), firing=True)]))
        for n in range(3)
    ]
    began = asyncio.Event()
    asyncio.get_running_loop().call_soon(began.set)
    await began.wait()
    tasks[0].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None, None]
    assert {alert.source for alert in alerts.standing} >= {"source1", "source2"}


async def test_one_that_was_closed_long_ago_may_end_change_and_get_worse(
    bot: Bot, place: Place
) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("domus", Sight((finding("vm", Severity.WARNING),)))
    await alerts.close(await job(bot), alerts.standing, "meant so", "closed")
    await place.later(1000.0)
    await alerts.saw("hosts", Sight((finding("fz"),)))  # so that what is over is forgotten
    await place.later(10.0)

    await alerts.saw("domus", Sight((finding("vm", Severity.WARNING, title="still gone"),)))
    await alerts.saw("domus", Sight((finding("vm", Severity.CRITICAL),)))
    assert "vm" in [alert.key for alert in alerts.standing]
    await alerts.saw("domus", Sight())
    assert "vm" not in [alert.key for alert in alerts.standing]


async def test_a_flapping_one_is_one_message_and_calls_people_no_oftener(
    bot: Bot, place: Place
) -> None:
    alerts = bot.engine.alerts
    for _n in range(5):
        await alerts.saw("hosts", Sight((finding(),)))
        await place.later(90.0)
        await alerts.saw("hosts", Sight())
        await place.later(90.0)

    assert len(told_alerts(bot)) == 1
    assert len(calls(bot)) <= 3


async def test_one_that_ended_meanwhile_cannot_be_acknowledged(bot: Bot, place: Place) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("hosts", Sight((finding(),)))
    seen = alerts.standing
    await alerts.saw("hosts", Sight())
    await place.later(2000.0)
    await alerts.saw("hosts", Sight((finding("fz"),)))

    with pytest.raises(Refused, match="resolved"):
        await alerts.acknowledge(await job(bot), seen, "on it")


async def test_work_on_one_of_its_objects_does_not_mute_what_is_about_two(bot: Bot) -> None:
    await bot.ask("!hold vm for 10m reason its disks are being copied")
    alerts = bot.engine.alerts
    both = VM | {(Thing.DOMU, "owl")}
    await alerts.saw("domus", Sight((finding("vm", objects=both),)))

    assert alerts.muted(alerts.standing[0]) == ""


async def test_a_new_one_calls_people_where_the_others_of_its_message_are_silenced(
    bot: Bot,
) -> None:
    alerts = bot.engine.alerts
    await alerts.saw("hosts", Sight((finding("fy", group="g"),)))
    await shown(bot, "fy does not answer")
    until = bot.engine.clock() + 7200
    await alerts.silence(await job(bot), alerts.standing, until, "known", "silenced")
    await shown(bot, "nounou silenced it")
    await alerts.saw("hosts", Sight((finding("fy", group="g"), finding("fz", group="g"))))

    await bot.chat.until(lambda: bool(calls(bot)))
    assert calls(bot)[0].post.mentions == (NOUNOU2,)
