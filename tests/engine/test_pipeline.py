"""What wraps every command, once, in this order: authorize, convert, check, plan, lock, run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import structlog

from bot.core.plan import Line, Verdict
from bot.core.policy import Policy, Right, Role
from bot.core.render import Reply
from bot.engine import audit_log
from bot.engine.context import Context
from bot.errors import (
    Denied,
    DeviceError,
    Failed,
    OutcomeUnknown,
    Refused,
    Unreachable,
    UsageError,
)
from tests.engine.alive import APPRENTI, POLICY, Bot, Place
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, Said


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


def policy(*allow: str, deny: tuple[str, ...] = ()) -> Policy:
    """Only the apprentice's rights differ from the lab's."""
    role = Role(tuple(map(Right.parse, allow)), tuple(map(Right.parse, deny)))
    return replace(POLICY, rights={**POLICY.rights, "apprenti": role})


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def record(bot: Bot) -> list[str]:
    """The kinds of the entries that are about people's commands, with how one ended."""
    async with bot.store.read() as tx:
        entries = await audit_log.tail(tx, 1000)
    asked = [each for each in entries if each.data.get("person") != "bot"]
    return [f"{each.kind} {each.data.get('state', '')}".strip() for each in asked]


async def test_the_order_of_the_layers(bot: Bot, toys: Toys) -> None:
    async def step(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            toys.done.append("in the step")

    toys.work["it"] = step

    said = await bot.ask("!change it")

    assert toys.done == ["plan it", "plan it", "begin it", "in the step", "end it"]
    assert await record(bot) == ["asked", "plan", "step", "ended succeeded"]
    assert said.plain.startswith("✔ changed it\n✔ turn the screw: ")


async def test_a_read_takes_no_locks_and_is_not_marked(bot: Bot, toys: Toys) -> None:
    toys.gate("it").set()

    said = await bot.ask("!wait it")

    assert said.plain == "waited for it"
    assert await record(bot) == ["asked", "ended succeeded"]
    assert bot.engine.locks.table.keys(1) == frozenset()


async def test_a_denied_command_is_answered_recorded_and_does_nothing(
    bot: Bot, toys: Toys, place: Place
) -> None:
    await place.later(60)
    sent = len(place.sent)

    said = await bot.ask("!change it", APPRENTI)

    assert state(said) == "denied"
    assert "You may not run change: it needs the right toy.change." in said.plain
    assert toys.done == []
    assert place.sent[sent:] == []
    assert await record(bot) == ["asked", "denied failed"]


async def test_the_right_to_the_verb_comes_before_the_words(bot: Bot, place: Place) -> None:
    """Who may not migrate learns nothing from how a wrong name is answered."""
    answers = [
        (await bot.ask(f"!migrate {words}", APPRENTI)).plain
        for words in ("vm fz", "nosuch fz", "vm nowhere", "; fz", "", "vm fz --bogus")
    ]

    assert len(set(answers)) == 1
    assert "domu.migrate" in answers[0]


async def test_each_denial_of_a_known_person_is_answered_and_the_records_are_limited(
    bot: Bot, place: Place
) -> None:
    asked = bot.chat.say_all(["!change it"] * 10, APPRENTI)
    for each in asked:
        assert state(await bot.chat.answer(each)) == "denied"

    kinds = await record(bot)
    assert kinds.count("denied failed") == 1
    lines = [said for said in bot.chat.said() if said.plain.startswith("record #")]
    assert len(lines) == 1
    await place.later(90)
    async with bot.store.read() as tx:
        counts = [each.data for each in await audit_log.tail(tx, 1000) if "more" in each.data]
    assert [(each["person"], each["more"], each["jobs"]) for each in counts] == [
        ("apprenti", 9, [*range(2, 11)])
    ]


async def test_forbidden_and_unknown_objects_read_the_same(bot: Bot, place: Place) -> None:
    place.policy = bot.engine.policy = policy("domu.show on vm", "domu.show on nosuch*")

    forbidden = await bot.ask("!domu show owl", APPRENTI)
    unknown = await bot.ask("!domu show eel", APPRENTI)

    assert forbidden.plain.replace("owl", "eel") == unknown.plain
    assert state(forbidden) == state(unknown) == "denied"
    assert "owl" not in unknown.plain


async def test_hints_name_only_what_the_asker_may_use(bot: Bot) -> None:
    bot.engine.policy = policy("domu.show on vm")

    said = await bot.ask("!domu show redisdeat", APPRENTI)

    assert "redisdead" not in said.plain


async def test_an_object_that_is_allowed_by_name_is_shown(bot: Bot) -> None:
    bot.engine.policy = policy("domu.show on vm")

    assert "vm is on fy" in (await bot.ask("!domu show vm", APPRENTI)).plain


async def test_an_unknown_name_is_looked_for_once_in_the_world_before_it_is_refused(
    bot: Bot, place: Place
) -> None:
    await bot.ask("!domu show vm")
    sent = len(place.sent)

    said = await bot.ask("!domu show eel")

    lists = [line for line in place.sent[sent:] if line.endswith("xl list -v")]
    assert sorted(lists) == ["fy: sudo xl list -v", "fz: sudo xl list -v"]
    assert "There is no DomU called 'eel'" in said.plain
    assert "^^^" in said.plain


async def test_a_guest_that_just_came_is_found_by_looking(bot: Bot, place: Place) -> None:
    await bot.ask("!domu show vm")
    host = place.lab.hosts["fy"]
    [domain] = [each for each in host.domains.values() if each.name == "vm"]
    host.rename(domain, "newcomer")

    said = await bot.ask("!domu show newcomer")

    assert "newcomer is on fy" in said.plain
    host.rename(domain, "vm")


async def test_a_dry_run_stops_after_the_plan(bot: Bot, toys: Toys) -> None:
    said = await bot.ask("!change it --dry-run")

    assert toys.done == ["plan it"]
    assert "Nothing was done" in said.plain
    assert "✔ it is there" in said.plain
    assert state(said) == "succeeded"
    assert not [each for each in bot.chat.said() if each.plain.startswith("record #")]


async def test_a_check_that_failed_refuses_and_takes_no_lock(bot: Bot, toys: Toys) -> None:
    toys.lines = [Line(Verdict.NO, "it is not there")]

    said = await bot.ask("!change it")

    assert toys.done == ["plan it"]
    assert state(said) == "refused"
    assert "it is not there" in said.plain


async def test_what_a_step_will_mend_is_no_obstacle(bot: Bot, toys: Toys) -> None:
    toys.lines = [Line(Verdict.LATER, "a link is missing"), Line(Verdict.UNCHECKED, "its clock")]

    assert state(await bot.ask("!change it")) == "succeeded"


async def test_a_world_that_moved_while_the_job_waited_refuses_it(bot: Bot, toys: Toys) -> None:
    toys.keys = dict.fromkeys(("one", "two"), frozenset({"the key"}))
    toys.essence = ["it runs on fy"]
    toys.gate("one")
    first = bot.chat.say("!change one")
    await toys.until("begin one")
    second = bot.chat.say("!change two")
    await toys.until("plan two")

    toys.essence = ["it runs on fz"]
    toys.gate("one").set()

    assert "changed one" in (await bot.chat.answer(first)).plain
    said = await bot.chat.answer(second)
    assert state(said) == "refused"
    assert "The world moved while the job waited" in said.plain
    assert "- it runs on fy" in said.plain
    assert "+ it runs on fz" in said.plain
    assert "begin two" not in toys.done


async def test_other_keys_under_the_locks_refuse_it_too(bot: Bot, toys: Toys) -> None:
    """The keys of the second plan were not asked for, so others may hold them."""

    class Growing(dict[str, frozenset[str]]):
        def get(self, name: str, default: frozenset[str] | None = None) -> frozenset[str]:  # type: ignore[override]
            return frozenset({f"toy/{number}" for number in range(toys.planned)})

    toys.keys = Growing()

    said = await bot.ask("!change it")

    assert state(said) == "refused"
    assert "± toy/1" in said.plain
    assert "begin it" not in toys.done


async def test_a_check_that_fails_only_under_the_locks_refuses(bot: Bot, toys: Toys) -> None:
    toys.lines = [Line(Verdict.YES, "fine"), Line(Verdict.NO, "memory is gone")]

    said = await bot.ask("!change it")

    assert state(said) == "refused"
    assert "memory is gone" in said.plain
    assert "begin it" not in toys.done


async def test_a_bug_gives_a_reference_and_no_traceback(bot: Bot) -> None:
    with structlog.testing.capture_logs() as logs:
        said = await bot.ask("!fail badly")

    [entry] = [each for each in logs if each["event"] == "internal error"]
    assert state(said) == "failed"
    assert said.plain == f"✘ Internal error, reference {entry['reference']}."
    assert "secret" not in said.plain + said.post.text.html
    assert "ZeroDivisionError" not in str(await record(bot))
    assert "ZeroDivisionError" in entry["exception"]


async def test_a_usage_error_points_at_the_wrong_word(bot: Bot) -> None:
    said = await bot.ask("!migrate vm fx")

    assert said.plain.splitlines()[1:3] == ["!migrate vm fx", "            ^^"]
    assert state(said) == "usage"


ERRORS = [
    (UsageError("odd"), "usage", "undetermined"),
    (Denied("no"), "denied", "undetermined"),
    (Refused("not so"), "refused", "undetermined"),
    (DeviceError("broken"), "failed", "undetermined"),
    (Unreachable("silent"), "failed", "undetermined"),
    (Failed("it did not happen"), "failed", "failed"),
    (OutcomeUnknown("who knows"), "undetermined", "undetermined"),
    (ZeroDivisionError("a bug"), "failed", "undetermined"),
]


@pytest.mark.parametrize(("error", "before", "after"), ERRORS)
@pytest.mark.parametrize("past", [False, True])
async def test_past_the_point_of_no_return_only_success_and_failed_are_certain(
    bot: Bot, toys: Toys, error: Exception, before: str, after: str, past: bool
) -> None:
    async def work(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            if past:
                await ctx.no_return()
            raise error

    toys.work["it"] = work

    said = await bot.ask("!change it")

    assert state(said) == (after if past else before)
    held = bot.engine.locks.table.keys(1)
    assert held == (frozenset({"toy/it"}) if state(said) == "undetermined" else frozenset())
    assert "✘ turn the screw" in said.plain


async def test_success_past_the_point_of_no_return_is_success(bot: Bot, toys: Toys) -> None:
    async def work(ctx: Context) -> Reply:
        await ctx.no_return()
        return Reply("there")

    toys.work["it"] = work

    assert state(await bot.ask("!change it")) == "succeeded"


async def test_a_change_leaves_one_line_with_its_hash_in_the_room(bot: Bot, toys: Toys) -> None:
    await bot.ask("!change it")
    await bot.engine.outbox.drained()

    async with bot.store.read() as tx:
        last = (await audit_log.tail(tx, 1))[0]
    lines = [said.plain for said in bot.chat.said() if said.plain.startswith("record #")]
    assert lines == [f"record {last.short} · job 1 · nounou: !change it → succeeded"]


async def test_the_line_goes_into_the_audit_room_where_there_is_one(place: Place) -> None:
    place.audit_room = "#audit:localhost"
    async with place.bot() as bot:
        await bot.ask("!change it")
        await bot.ask("!ping")
        await bot.ask("!change it", APPRENTI)
        await bot.engine.outbox.drained()

    lines = [said.plain for said in place.chat.said("#audit:localhost")]
    assert [line.partition("· ")[2] for line in lines] == [
        "job 1 · nounou: !change it → succeeded",
        "job 3 · apprenti: !change it → denied",
    ]
    assert not [each for each in place.chat.said() if each.plain.startswith("record #")]


async def test_reads_leave_a_record_and_no_line(bot: Bot) -> None:
    await bot.ask("!ping")
    await bot.engine.outbox.drained()

    assert len(bot.chat.said()) == 1
    assert await record(bot) == ["asked", "ended succeeded"]


async def test_nothing_runs_where_the_start_cannot_be_written(bot: Bot, toys: Toys) -> None:
    """The record is on disk before anything is sent: without it nothing is."""
    toys.gate("it")
    asked = bot.chat.say("!change it")
    await toys.until("begin it")

    async def never(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            toys.done.append("turned")

    toys.work["it"] = never
    await bot.store.breaks("audit")
    toys.gate("it").set()
    await bot.chat.until(lambda: any("cannot be written" in s.plain for s in bot.chat.said()))

    assert "turned" not in toys.done
    assert bot.chat.final(asked) is None

    await bot.store.mend()
    said = await bot.chat.answer(asked)
    assert state(said) == "failed"
    assert "cannot be written" in said.plain


async def test_a_message_with_markup_is_escaped_in_the_answer(bot: Bot) -> None:
    said = await bot.ask("!help <b>x</b>", NOUNOU)

    assert "<b>" not in said.post.text.html
    assert "&lt;b&gt;" in said.post.text.html
