"""What each command answers, in the lab's world."""

from __future__ import annotations

import pytest

from bot.lab.faults import GARBLE, REFUSE, Fault
from tests.engine.alive import APPRENTI, Bot, Place
from tests.fakes import ROOM, Said


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def test_ping(bot: Bot) -> None:
    said = await bot.ask("!ping")

    assert (said.plain, said.post.text.html) == ("pong", "pong")


async def test_whoami_says_who_and_what_one_may_do(bot: Bot) -> None:
    said = await bot.ask("!whoami", APPRENTI)

    assert "You are apprenti (@apprenti:localhost); your roles: apprenti." in said.plain
    assert "\nmay: bot.* (role apprenti)\nmay: domu.list (role apprenti)\n" in said.plain


async def test_help_explains_one_command(bot: Bot) -> None:
    said = await bot.ask("!help migrate")

    assert said.plain.startswith("!migrate DOMU TO [--dry-run]")
    assert "Example: !migrate vm fz" in said.plain
    assert (await bot.ask("!help !migrate")).plain == said.plain


async def test_help_names_the_right_and_reads_on_a_phone(bot: Bot) -> None:
    one, every = await bot.ask("!help migrate"), await bot.ask("!help")

    assert one.plain.endswith(
        "\nIt can interrupt something (class interrupts): it waits for nobody."
        "\nIt needs the right domu.migrate."
    )
    assert "\n!ping — Say that the bot is there.\n" in every.plain
    assert "\n!migrate — Move a running DomU to another Dom0, live.\n" in every.plain
    assert "\n!job — cancel, list, release, settle, show\n" in every.plain
    assert len(every.plain.splitlines()) < 50
    for said in (one, every):
        assert "<pre>" not in said.post.text.html


async def test_help_lists_a_group(bot: Bot) -> None:
    said = await bot.ask("!help job")

    assert said.plain.startswith("job has:")
    assert "!job settle JOB" in said.plain


async def test_help_explains_what_is_a_command_and_a_group(bot: Bot) -> None:
    said, every = await bot.ask("!help break-glass"), await bot.ask("!help")

    assert said.plain.startswith("!break-glass [for TIME] reason WHY…\n")
    assert "Example: !break-glass" in said.plain
    assert "!break-glass end\n    End your breaking" in said.plain
    assert "\n!break-glass — end, review\n" in every.plain


async def test_help_says_of_a_group_of_one_what_it_does(bot: Bot) -> None:
    said, group = await bot.ask("!help"), await bot.ask("!help host")

    assert "\n!host maintenance\n    Let no guest come to a Dom0" in said.plain
    assert group.plain.startswith("!host maintenance DOM0 on|off [reason WHY]")


async def test_help_hides_what_one_may_not_run(bot: Bot) -> None:
    said = await bot.ask("!help migrate", APPRENTI)

    assert state(said) == "usage"
    assert "Move a running DomU" not in said.plain


async def test_status_looks_at_everything(bot: Bot) -> None:
    said = await bot.ask("!status")

    assert said.plain.startswith("All is well.")
    for part in ("✔  fy", "✔  fz", "✔  nols", "✔  record"):
        assert part in said.plain


@pytest.mark.parametrize("where", ["fz", "nols"])
@pytest.mark.parametrize("fault", [REFUSE, GARBLE])
async def test_status_says_what_is_in_trouble_and_shows_the_rest(
    bot: Bot, place: Place, where: str, fault: str
) -> None:
    place.lab.fault(Fault(fault, where))

    said = await bot.ask("!status")

    assert "1 in trouble" in said.plain
    assert f"✘  {where}" in said.plain
    assert "✔  fy" in said.plain
    assert said.plain.replace("\n", "").isprintable()


async def test_status_says_which_rooms_can_be_believed(place: Place) -> None:
    place.audit_room, place.commands = "#audit:localhost", {"#help:localhost": ("bot.*",)}
    place.chat.encryption = {ROOM: False, "#audit:localhost": True}
    async with place.bot() as bot:
        said = await bot.ask("!status")

    rooms = [" ".join(line.split()) for line in said.plain.splitlines() if ":localhost" in line]
    assert rooms == [
        f"⚠ {ROOM} plain: the homeserver can forge anyone there",
        "✔ #audit:localhost encrypted",
    ]
    assert said.plain.startswith("All is well.")


async def test_domu_list_shows_all_guests_stopped_ones_too(bot: Bot) -> None:
    said = await bot.ask("!domu list")

    rows = {line.split()[0]: line.split()[1:3] for line in said.plain.splitlines()[2:]}
    assert rows["vm"] == ["fy", "running"]
    assert rows["redisdead"] == ["fz", "running"]
    assert rows["sleeper"] == ["-", "stopped"]


async def test_domu_list_of_one_dom0_shows_no_guest_of_another(bot: Bot) -> None:
    said = await bot.ask("!domu list fz")

    assert "redisdead" in said.plain
    assert "zamok" not in said.plain


async def test_a_guest_is_never_called_stopped_while_a_host_is_silent(
    bot: Bot, place: Place
) -> None:
    await bot.ask("!domu list")
    place.lab.fault(Fault(REFUSE, "fy"))

    said = await bot.ask("!domu list")
    shown = await bot.ask("!domu show vm")

    assert "stopped" not in said.plain
    assert "fy cannot be asked" in said.plain
    assert state(shown) == "refused"
    assert "vm is on no host that answers" in shown.plain


async def test_domu_show_names_the_volume_behind_each_disk(bot: Bot, place: Place) -> None:
    said = await bot.ask("!domu show vm")

    assert said.plain.startswith("vm is on fy: running.")
    assert "/dev/vm-root (read-write): 20 GiB, 600c0ff0" in said.plain
    assert "/dev/vm-swap (read-write): 1 GiB, 600c0ff0" in said.plain


async def test_domu_show_of_a_stopped_guest_says_where_it_is_configured(bot: Bot) -> None:
    assert "sleeper is stopped" in (await bot.ask("!domu show sleeper")).plain


async def test_jobs_are_listed_and_shown(bot: Bot) -> None:
    assert "No job has changed anything yet" in (await bot.ask("!job list")).plain
    await bot.ask("!migrate vm fz")

    listed = (await bot.ask("!job list")).plain
    shown = (await bot.ask("!job show 2")).plain

    assert listed.startswith("0 open.")
    assert "!migrate vm fz" in listed
    assert "Job 2 is succeeded: !migrate vm fz (by nounou, 2027-01-15" in shown
    assert "✔ move vm to fz: " in shown
    assert "vm runs on fz" in shown


async def test_a_running_job_shows_its_locks(bot: Bot) -> None:
    asked = bot.chat.say("!migrate vm fz")
    await bot.chat.until(lambda: any("move" in said.plain for said in bot.chat.about(asked)))

    shown = (await bot.ask("!job show 1")).plain

    assert "Job 1 is running" in shown
    assert "migration/fy, migration/fz" in shown
    await bot.chat.answer(asked)


async def test_the_record_is_shown_and_verified(bot: Bot) -> None:
    await bot.ask("!migrate vm fz", APPRENTI)

    tail = (await bot.ask("!audit tail 5")).plain
    verified = await bot.ask("!audit verify")

    assert "denied: job 1 · apprenti · !migrate vm fz" in tail
    assert state(verified) == "succeeded"
    assert "The record is whole" in verified.plain


async def test_a_record_that_somebody_changed_is_said_in_the_room(bot: Bot) -> None:
    await bot.ask("!ping")
    async with bot.store.write() as tx:
        await tx.exec_driver_sql("UPDATE audit SET kind = 'forged' WHERE number = 1")

    said = await bot.ask("!audit verify")
    status = await bot.ask("!status")

    assert state(said) == "refused"
    assert "entry 1" in said.plain
    assert "✘  record" in status.plain


async def test_a_guest_moves_there_and_back(bot: Bot, place: Place) -> None:
    assert state(await bot.ask("!migrate vm fz")) == "succeeded"
    assert place.where("vm") == ["fz"]
    assert state(await bot.ask("!migrate vm fy")) == "succeeded"
    assert place.where("vm") == ["fy"]
    assert place.lab.watch.seen == []


@pytest.mark.parametrize(
    ("line", "ends", "says"),
    [
        ("!migrate vm fy", "refused", "vm already runs on fy"),
        ("!migrate zamok fz", "refused", "is a PV guest"),
        ("!migrate owl fz", "refused", "of memory free"),
        ("!migrate sleeper fz", "refused", "does not run on any host"),
        ("!migrate eel fz", "usage", "no DomU called 'eel'"),
        ("!migrate vm fx", "usage", "Did you mean f"),
        ("!migrate vm", "usage", "TO is missing"),
        ("!migrate vm fz fz", "usage", "2 words at most"),
        ("!migrate vm;reboot fz", "usage", "is not a name"),
        ("!migrate vm fz\nreboot", "usage", "one line"),
        ("!migrate -rf fz", "usage", "-rf is not an option"),
        ('!migrate "vm fz', "usage", "never closed"),
        ("!migrat vm fz", "usage", "Did you mean migrate, "),
    ],
)
async def test_what_cannot_be_moved_is_said_and_nothing_is_sent(
    bot: Bot, place: Place, line: str, ends: str, says: str
) -> None:
    before = {guest: place.where(guest) for guest in ("vm", "zamok", "owl", "sleeper")}

    said = await bot.ask(line)

    assert state(said) == ends
    assert says in said.plain
    assert place.migrations() == []
    assert {guest: place.where(guest) for guest in before} == before
