"""The one screen that says how everything is."""

from __future__ import annotations

from dataclasses import replace

from bot.core.alerts import Finding, Severity, Told
from bot.core.plan import Thing
from bot.core.policy import Right, Role
from bot.lab.faults import REFUSE, Fault
from tests.engine.alive import APPRENTI, POLICY, Bot, Place
from tests.fakes import Said


def rows(said: Said) -> list[str]:
    """The lines of an answer, each without its padding."""
    return [" ".join(line.split()) for line in said.plain.splitlines()]


def row(said: Said, name: str) -> str:
    """The one line about *name*."""
    [found] = [line for line in rows(said) if line.split(" ", 1)[1].startswith(name)]
    return found


def limited(bot: Bot, *rights: str) -> None:
    """Let the apprentice have these *rights* and no others."""
    role = Role(tuple(map(Right.parse, rights)))
    bot.engine.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})


def alert(key: str, severity: Severity, title: str, domu: str = "") -> Told:
    objects = frozenset({(Thing.DOMU, domu)}) if domu else frozenset()
    return Told(Finding(key, severity, title, objects), firing=True)


async def test_where_all_is_well_it_says_so_in_few_lines(bot: Bot) -> None:
    said = await bot.ask("!status")

    assert said.plain.startswith("All is well.\n")
    assert len(rows(said)) <= 8
    assert rows(said)[-1].startswith("nounou 0.1, up ")


async def test_it_says_where_each_domu_runs_and_which_are_stopped(bot: Bot) -> None:
    said = row(await bot.ask("!status"), "DomUs")

    assert said.startswith("✔ DomUs ")
    assert "running (fy: " in said
    assert "; fz: redisdead)" in said
    assert "1 stopped (sleeper)" in said


async def test_a_domu_is_not_called_stopped_while_a_host_is_silent(bot: Bot, place: Place) -> None:
    place.lab.fault(Fault(REFUSE, "fy"))

    said = await bot.ask("!status")

    assert "1 in trouble." in said.plain
    assert "stopped" not in row(said, "DomUs")
    assert "not known" in row(said, "DomUs")


async def test_domus_that_the_asker_may_not_list_are_not_named(bot: Bot) -> None:
    limited(bot, "bot.status", "domu.list on owl")
    said = (await bot.ask("!status", APPRENTI)).plain
    assert "owl" in said
    assert "redisdead" not in said
    assert "sleeper" not in said

    limited(bot, "bot.status")
    assert "DomUs" not in (await bot.ask("!status", APPRENTI)).plain


async def test_open_alerts_and_incidents_are_the_result(bot: Bot) -> None:
    await bot.ask("!incident open SEV2 the database is slow")
    await bot.engine.alerts.told(
        "cron",
        [
            alert("a", Severity.INFO, "the backup took long"),
            alert("b", Severity.CRITICAL, "vm is gone", "vm"),
        ],
    )

    said = await bot.ask("!status")

    assert rows(said)[0] == "2 alerts, 1 incident."
    assert row(said, "alert 2").startswith("🔥 alert 2 vm is gone (since 08:00 UTC")
    assert row(said, "incident 1") == "🚨 incident 1 SEV2 the database is slow, lead nounou"
    shown = said.plain
    assert shown.index("vm is gone") < shown.index("the backup took long")


async def test_an_incident_says_when_its_next_update_is_due(bot: Bot, place: Place) -> None:
    await bot.ask("!incident open SEV2 the database is slow")
    await bot.ask("!incident update in 30m")
    assert "next update 08:30 UTC" in row(await bot.ask("!status"), "incident 1")

    await place.later(1801)

    assert "an update was due 08:30 UTC" in row(await bot.ask("!status"), "incident 1")


async def test_alerts_and_incidents_are_not_shown_without_the_right(bot: Bot) -> None:
    await bot.ask("!incident open SEV2 the database is slow")
    fire = [alert("a", Severity.WARNING, "vm is gone", "vm")]
    fire += [alert("b", Severity.WARNING, "owl is gone", "owl")]
    await bot.engine.alerts.told("cron", fire)
    limited(bot, "bot.status", "alert.list on owl")

    said = await bot.ask("!status", APPRENTI)

    assert rows(said)[0] == "1 alert."
    assert "owl is gone" in said.plain
    assert "vm is gone" not in said.plain
    assert "incident" not in said.plain


async def test_jobs_that_run_and_wait_say_who_asked_and_since_when(bot: Bot, place: Place) -> None:
    asked = bot.chat.say("!migrate vm fz")
    await bot.chat.until(lambda: any("move" in said.plain for said in bot.chat.about(asked)))

    said = await bot.ask("!status")

    assert row(said, "job 1").startswith("▶ job 1 running: !migrate vm fz (nounou, since 08:00 UTC")
    limited(bot, "bot.status")
    assert "job 1" not in (await bot.ask("!status", APPRENTI)).plain
    await bot.chat.answer(asked)


async def test_each_host_is_asked_once(bot: Bot, place: Place) -> None:
    await bot.ask("!status")
    place.sent.clear()

    await bot.ask("!status")

    assert len([line for line in place.sent if line.startswith("fy: ") and "xl info" in line]) == 1
    assert len([line for line in place.sent if line.startswith("fy: ")]) <= 4


async def test_however_much_goes_on_it_stays_one_screen(bot: Bot) -> None:
    for number in range(40):
        title = f"trouble {number}"
        await bot.engine.alerts.told("cron", [alert(title, Severity.WARNING, title)])
        if number < 7:
            await bot.ask(f"!incident open SEV3 number {number}")
    for name in ("vm", "owl", "zamok", "sleeper", "redisdead", "fy", "fz"):
        await bot.ask(f"!hold {name} reason a test")

    said = await bot.ask("!status")

    assert rows(said)[0] == "40 alerts, 7 incidents."
    assert len(rows(said)) <= 25
    assert "and 37 more: !alert list" in said.plain
    assert "more: !incident list" in said.plain
    assert "more: !holds" in said.plain
