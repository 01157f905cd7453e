"""`!console` and `!sysrq` from the room: what is read, what is typed, and what never is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.config_console import CONSOLE_LOG
from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.policy import Policy, Right, Role
from bot.core.risk import Risk
from bot.devices.session import Call
from bot.lab.faults import Fault
from tests.engine.alive import APPRENTI, Bot, Place
from tests.engine.asking import entries
from tests.fakes import NOUNOU, Said

#: the lab's hosts differ so: fy keeps logs of its guests' consoles, fz keeps none
LOGGED, UNLOGGED = "vm", "redisdead"


@pytest.fixture
async def bot(place: Place) -> AsyncIterator[Bot]:
    place.console_log = CONSOLE_LOG
    async with place.bot() as bot:
        yield bot


def attached(place: Place) -> list[str]:
    return [line for line in place.sent if "xl console" in line]


async def typed(bot: Bot) -> list[str]:
    """The keys that the record has, as they were before they were sent."""
    return [each["keys"] for each in await entries(bot, "sent") if "keys" in each]


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


# -- reading


async def test_a_log_is_read_and_nobody_is_attached(place: Place, bot: Bot) -> None:
    said = await bot.ask(f"!console {LOGGED}")

    assert said.plain.startswith("vm shows a login prompt.")
    assert "vm login:" in said.plain
    assert "Read from the log on fy" in said.plain
    assert attached(place) == []


async def test_without_a_log_it_attaches_read_only_and_the_host_ends_that(
    place: Place, bot: Bot
) -> None:
    said = await bot.ask(f"!console {UNLOGGED}")

    assert said.plain.startswith("redisdead shows a login prompt.")
    assert "Read on fz" in said.plain
    assert attached(place) == ["fz: sudo timeout -k 2 2 xl console 1"]


async def test_what_was_read_away_is_remembered_with_its_time(place: Place, bot: Bot) -> None:
    await bot.ask(f"!console {UNLOGGED}")

    said = await bot.ask(f"!console {UNLOGGED}")

    assert said.plain.startswith("redisdead shows a login prompt.")
    assert "Nothing new came since" in said.plain


async def test_an_empty_screen_is_unknown_and_says_how_to_go_on(place: Place, bot: Bot) -> None:
    place.lab.console(UNLOGGED, "silent")
    await bot.ask(f"!console {UNLOGGED}")
    bot.engine.seen.__init__()  # type: ignore[misc]  # as after a restart

    said = await bot.ask(f"!console {UNLOGGED}")

    assert "❔ unknown" in said.plain
    assert "!console redisdead --press-enter" in said.plain


async def test_somebody_else_at_the_console_is_said_and_nothing_is_read(
    place: Place, bot: Bot
) -> None:
    other = asyncio.ensure_future(bot.engine.world.hosts["fz"].toolstack.view_console(1, 20.0))
    await place.later(1.0)

    said = await bot.ask(f"!console {UNLOGGED}")
    await other

    assert state(said) == "refused"
    assert "Somebody else holds this console on fz" in said.plain


@pytest.mark.parametrize(
    ("scene", "says"),
    [
        ("panic", "panic"),
        ("root-session", "root"),
        ("fsck", "file system check"),
        ("io-error", "xvda"),
        ("oom", "out of memory"),
    ],
)
async def test_it_says_what_it_sees(place: Place, bot: Bot, scene: str, says: str) -> None:
    place.lab.console(LOGGED, scene)

    said = await bot.ask(f"!console {LOGGED}")

    assert says in said.plain.splitlines()[0] + said.plain.splitlines()[1]


async def test_the_last_lines_are_shown_bounded(place: Place, bot: Bot) -> None:
    place.lab.console(LOGGED, "flood")

    said = await bot.ask(f"!console {LOGGED} --history 3")

    assert "The last 3 lines of vm's console." in said.plain
    assert said.plain.count("nobody needs to read this line") <= 3


@pytest.mark.parametrize(
    "line",
    [
        "!console vm --history 0",
        "!console vm --history 201",
        "!console vm --watch 11m",
        "!console vm --watch soon",
        "!console vm --send",
        "!console vm --send ''",
        "!console vm --history 5 --watch 1m",
        "!console vm --send enter --press-enter",
        "!sysrq vm ss",
        "!sysrq vm ?",
    ],
)
async def test_bad_words_change_nothing(place: Place, bot: Bot, line: str) -> None:
    said = await bot.ask(line)

    assert state(said) == "usage"
    assert attached(place) == []


async def test_what_runs_nowhere_has_no_console(bot: Bot) -> None:
    said = await bot.ask("!console sleeper")

    assert state(said) == "refused"
    assert "sleeper does not run on any host, so it has no console." in said.plain


async def test_hostile_output_stays_text(place: Place, bot: Bot) -> None:
    place.lab.console(LOGGED, "hostile")

    said = await bot.ask(f"!console {LOGGED}")

    assert "\x1b" not in said.plain + said.post.text.html
    assert "<script" not in said.post.text.html


# -- watching


async def test_a_watch_follows_a_reboot_and_ends_by_itself(place: Place, bot: Bot) -> None:
    asked = bot.chat.say(f"!console {LOGGED} --watch 40s")
    await place.later(4.0)
    wire = bot.engine.world.hosts["fy"].toolstack.session
    await wire.run(Call(("sudo", "xl", "reboot", LOGGED), lambda output: output.exit))

    said = await bot.chat.answer(asked)

    assert state(said) == "succeeded"
    assert "Watched for 40 s." in said.plain
    assert any("Detected virtualization xen" in text for text in said.before)
    assert len(said.before) > 3


async def test_a_watch_ends_when_the_guest_is_gone(place: Place, bot: Bot) -> None:
    asked = bot.chat.say(f"!console {LOGGED} --watch 5m")
    await place.later(4.0)
    place.lab.hosts["fy"].drop(next(iter(place.lab.hosts["fy"].domains.values())))

    said = await bot.chat.answer(asked)

    assert "vm is gone; it was on fy." in said.plain


async def test_a_watch_can_be_cancelled(place: Place, bot: Bot) -> None:
    asked = bot.chat.say(f"!console {LOGGED} --watch 5m")
    await place.later(4.0)

    await bot.ask("!job cancel 1")

    assert state(await bot.chat.answer(asked)) == "cancelled"


# -- typing


async def test_enter_at_a_login_prompt_is_pressed_at_once_and_once(place: Place, bot: Bot) -> None:
    said = await bot.ask(f"!console {LOGGED} --press-enter")

    assert state(said) == "succeeded"
    assert len([line for line in attached(place) if "--foreground" in line]) == 1
    assert await typed(bot) == [r"'\r'"]


async def test_what_interrupts_shows_the_screen_and_waits_for_a_confirmation(
    place: Place,
) -> None:
    place.console_log = CONSOLE_LOG
    place.approvals = Approvals(by_risk={Risk.INTERRUPTS: Need.CONFIRM})
    async with place.bot() as bot:
        place.lab.console(LOGGED, "question")
        asked = bot.chat.say(f"!console {LOGGED} --press-enter", proof=Proof.SIGNED)
        code = await bot.code(asked)
        [plan] = [each for each in bot.chat.about(asked) if code in each.plain][-1:]

        assert "type enter at the console of vm" in plan.plain
        assert "[Y/n]" in plan.plain
        assert attached(place) == []

        await bot.ask(f"!confirm {code}", proof=Proof.SIGNED)
        assert state(await bot.chat.answer(asked)) == "succeeded"
    assert len(attached(place)) == 1


@pytest.mark.parametrize("line", ["--send enter", "--send secret", "--press-enter"])
@pytest.mark.parametrize("guest", [LOGGED, UNLOGGED])
async def test_nothing_is_ever_typed_at_a_password_prompt(
    place: Place, bot: Bot, guest: str, line: str
) -> None:
    place.lab.console(guest, "password")

    said = await bot.ask(f"!console {guest} {line}")

    assert state(said) == "refused"
    assert "asks for a password" in said.plain
    assert not any("--foreground" in line for line in attached(place))


async def test_a_prompt_that_changed_after_the_plan_is_typed_at_no_more(
    place: Place, bot: Bot
) -> None:
    """The screen asks for a password once the plan was made, and right before it is typed."""
    toolstack = bot.engine.world.hosts["fy"].toolstack
    before = toolstack.visit_console

    async def late(*words: object, **more: object) -> object:
        place.lab.console(LOGGED, "password")
        return await before(*words, **more)  # type: ignore[arg-type]

    toolstack.visit_console = late  # type: ignore[method-assign, assignment]

    said = await bot.ask(f"!console {LOGGED} --send secret")

    assert state(said) == "refused"
    assert "Nothing was typed: It asks for a password, and the bot types none." in said.plain


async def test_a_text_is_typed_without_enter_and_kept_in_the_record(place: Place, bot: Bot) -> None:
    said = await bot.ask(f'!console {LOGGED} --send "root"')

    assert state(said) == "succeeded"
    assert "vm login: root" in said.plain
    assert await typed(bot) == ["'root'"]


async def test_typing_takes_a_right_of_its_own(place: Place) -> None:
    rights = {"looks": Role((Right.parse("console.show"),))}
    place.policy = Policy({NOUNOU: "nounou", APPRENTI: "a"}, {"a": ("looks",)}, rights)
    async with place.bot() as bot:
        assert state(await bot.ask("!console vm", APPRENTI)) == "succeeded"
        for option in ("--press-enter", "--send x"):
            said = await bot.ask(f"!console vm {option}", APPRENTI)
            assert state(said) == "denied"
            assert "needs the right console.type" in said.plain


async def test_a_link_that_breaks_while_it_types_leaves_the_end_unknown(
    place: Place, bot: Bot
) -> None:
    place.lab.fault(Fault("drop-after-send", "fy", "xl console", 1))

    said = await bot.ask(f"!console {LOGGED} --send x")

    assert state(said) == "undetermined"
    settled = await bot.ask("!job settle 1")
    assert "Whether that was typed is not known." in settled.plain


async def test_a_dry_run_types_nothing(place: Place, bot: Bot) -> None:
    said = await bot.ask(f"!console {LOGGED} --send enter --dry-run")

    assert "Nothing was done" in said.plain
    assert "type enter at the console of vm" in said.plain
    assert attached(place) == []


# -- SysRq


async def test_a_sysrq_key_is_sent_once_and_its_effect_shown(place: Place, bot: Bot) -> None:
    said = await bot.ask(f"!sysrq {LOGGED} s")

    assert said.plain.startswith("✔ SysRq s was sent to vm: it writes everything to disk.")
    assert "Emergency Sync" in said.plain
    assert [line for line in place.sent if "sysrq" in line] == ["fy: sudo xl sysrq 1 s"]


async def test_a_key_after_which_something_is_lost_waits_for_another_person(
    place: Place, bot: Bot
) -> None:
    asked = bot.chat.say(f"!sysrq {LOGGED} b", proof=Proof.SIGNED)

    assert await bot.code(asked)
    assert not any("sysrq" in line for line in place.sent)


async def test_a_key_whose_end_is_unknown_is_settled_though_the_guest_is_gone(
    place: Place, bot: Bot
) -> None:
    place.lab.fault(Fault("drop-after-send", "fy", "xl console", 1))
    await bot.ask(f"!console {LOGGED} --send x")
    fy = place.lab.hosts["fy"]
    fy.drop(next(iter(fy.domains.values())))

    settled = await bot.ask("!job settle 1")

    assert state(settled) == "succeeded"
    assert "Its console cannot be read" in settled.plain


async def test_a_sysrq_shows_no_screen_to_who_may_not_see_it(place: Place) -> None:
    place.console_log = CONSOLE_LOG
    rights = {"keys": Role((Right.parse("console.sysrq"),))}
    place.policy = Policy({APPRENTI: "a"}, {"a": ("keys",)}, rights)
    async with place.bot() as bot:
        said = await bot.ask(f"!sysrq {LOGGED} s", APPRENTI)

    assert said.plain.startswith("✔ SysRq s was sent to vm")
    assert "login:" not in said.plain


async def test_two_who_ask_at_once_wait_for_each_other(place: Place, bot: Bot) -> None:
    asked = [bot.chat.say(f"!console {UNLOGGED}") for _each in range(2)]

    for each in asked:
        assert state(await bot.chat.answer(each)) == "succeeded"
