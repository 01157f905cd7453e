"""`!config reload`: the policy of the file is taken over whole, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from bot.core.approvals import Approvals, Need
from bot.core.policy import Policy, Right, Role
from bot.core.risk import Risk
from bot.engine import audit_log
from bot.engine.reload import Fresh, record_policy
from bot.errors import ConfigError
from tests.engine.alive import APPRENTI, POLICY, Bot, Place
from tests.fakes import NOUNOU, Said

NEWCOMER = "@newcomer:localhost"


APPROVALS = Approvals({Risk.DESTROYS: Need.SECOND})


class File:
    """A file that says what a test wants, or is wrong."""

    def __init__(self) -> None:
        self.fresh = Fresh(POLICY, APPROVALS)
        self.wrong = ""

    async def read(self) -> Fresh:
        if self.wrong:
            raise ConfigError(self.wrong, hint="nounou check-config shows every error")
        return self.fresh

    def says(self, policy: Policy, **others: Any) -> None:
        self.fresh = replace(self.fresh, policy=policy, **others)


@pytest.fixture
def file() -> File:
    return File()


@pytest.fixture
async def bot(place: Place, file: File) -> AsyncIterator[Bot]:
    async with place.bot(reload=file.read) as bot:
        yield bot


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def reloads(bot: Bot) -> list[Mapping[str, Any]]:
    async with bot.store.read() as tx:
        entries = await audit_log.tail(tx, 1000)
    return [entry.data for entry in entries if entry.kind == "reloaded"]


def apprenti_may(*rights: str) -> Policy:
    role = Role(tuple(map(Right.parse, rights)))
    return replace(POLICY, rights={**POLICY.rights, "apprenti": role})


async def test_what_the_file_says_counts_from_then_on(bot: Bot, file: File) -> None:
    file.says(apprenti_may("bot.ping"))
    assert state(await bot.ask("!domu list", APPRENTI)) == "succeeded"

    said = await bot.ask("!config reload")

    assert said.plain.startswith("✔ The policy was reloaded; 8 lines changed.\n")
    assert "- role apprenti may: domu.list" in said.plain
    assert "+ role apprenti may: bot.ping" in said.plain
    assert state(await bot.ask("!domu list", APPRENTI)) == "denied"
    assert state(await bot.ask("!ping", APPRENTI)) == "succeeded"


async def test_the_difference_is_in_the_record(bot: Bot, file: File) -> None:
    file.says(apprenti_may("bot.ping"), later=("timing.away",))

    await bot.ask("!config reload")

    [data] = await reloads(bot)
    assert data["person"] == "nounou"
    assert data["verb"] == "config.reload"
    assert data["later"] == ["timing.away"]
    assert "+ role apprenti may: bot.ping" in str(data["difference"])


async def test_somebody_new_is_a_member_at_once_and_somebody_gone_is_nobody(
    bot: Bot, file: File
) -> None:
    persons = {NOUNOU: "nounou", NEWCOMER: "newcomer"}
    roles = {"nounou": ("nounou",), "newcomer": ("apprenti",)}
    file.says(Policy(persons, roles, POLICY.rights))

    said = await bot.ask("!config reload")
    ignored = bot.chat.say("!ping", APPRENTI)

    assert "+ member newcomer (@newcomer:localhost): apprenti" in said.plain
    assert (await bot.ask("!ping", NEWCOMER)).plain == "pong"
    assert bot.chat.about(ignored) == []


async def test_who_has_to_agree_is_reloaded_too(bot: Bot, file: File) -> None:
    by_risk = {Risk.CHANGES: Need.SECOND, Risk.INTERRUPTS: Need.SECOND}
    file.says(POLICY, approvals=Approvals(by_risk))

    said = await bot.ask("!config reload")

    assert "+ approvals.changes: second" in said.plain
    assert "- approvals.destroys: second" in said.plain
    assert "another person's approval" in (await bot.ask("!why job cancel 1")).plain


async def test_keys_that_a_start_takes_over_are_named(bot: Bot, file: File) -> None:
    file.says(POLICY, later=("hosts.fx", "prefix"), notices=("line 3: odd; mend it",))

    said = await bot.ask("!config reload")

    assert said.plain == (
        "✔ The policy is the same as before.\n"
        "line 3: odd; mend it\nAt the next start: hosts.fx, prefix."
    )


async def test_a_dry_run_shows_the_difference_and_changes_nothing(bot: Bot, file: File) -> None:
    file.says(apprenti_may("bot.ping"))

    said = await bot.ask("!config reload --dry-run")

    assert "+ role apprenti may: bot.ping" in said.plain
    assert state(await bot.ask("!domu list", APPRENTI)) == "succeeded"
    assert await reloads(bot) == []


async def test_a_dry_run_without_a_difference_says_that_nothing_would_change(bot: Bot) -> None:
    said = await bot.ask("!config reload --dry-run")

    assert "Nothing would change: the policy is the same as before." in said.plain


async def test_a_file_that_is_wrong_is_refused_whole(bot: Bot, file: File) -> None:
    file.says(apprenti_may("bot.ping"))
    file.wrong = "the configuration x.yaml is wrong: line 7, roles: it is empty"

    said = await bot.ask("!config reload")

    assert state(said) == "refused"
    assert "Nothing was changed: the configuration x.yaml is wrong: line 7" in said.plain
    assert state(await bot.ask("!domu list", APPRENTI)) == "succeeded"
    assert await reloads(bot) == []


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (Policy(), "the file names no member"),
        (
            replace(POLICY, rights={"nounou": Role((Right.parse("domu.*"),))}),
            "nobody would keep the right config.reload",
        ),
        (
            replace(POLICY, rights={"nounou": Role((Right.parse("* in #elsewhere:localhost"),))}),
            "nobody would keep the right config.reload",
        ),
        (
            replace(
                POLICY,
                rights={"nounou": Role((Right.parse("*"),), (Right.parse("config.*"),))},
            ),
            "nobody would keep the right config.reload",
        ),
    ],
)
async def test_a_file_that_locks_everybody_out_is_refused(
    bot: Bot, file: File, policy: Policy, why: str
) -> None:
    file.says(policy)

    said = await bot.ask("!config reload")

    assert state(said) == "refused"
    assert why in said.plain
    assert (await bot.ask("!ping")).plain == "pong"


async def test_a_job_that_waits_is_judged_by_the_new_policy_at_its_turn(
    place: Place, file: File
) -> None:
    allowed = apprenti_may("bot.*", "domu.migrate", "access.confirm")
    place.policy = allowed
    file.says(apprenti_may("bot.*", "access.confirm"))
    async with place.bot(reload=file.read, approvals=Approvals()) as bot:
        asked = bot.chat.say("!migrate vm fz", APPRENTI)
        code = await bot.code(asked)
        await bot.ask("!config reload")
        await bot.ask(f"!confirm {code}", APPRENTI)

        said = await bot.chat.answer(asked)

    assert state(said) == "denied"
    assert place.migrations() == []


async def test_a_long_difference_is_cut_and_the_record_has_it(bot: Bot, file: File) -> None:
    file.says(apprenti_may(*(f"domu.verb{n}" for n in range(100))))

    said = await bot.ask("!config reload")

    [data] = await reloads(bot)
    assert len(said.plain.splitlines()) < 50
    assert "… and " in said.plain
    assert "domu.verb99" in str(data["difference"])


async def test_an_approval_of_one_policy_is_none_of_another_that_looks_like_it(
    place: Place, file: File
) -> None:
    """What tells the two apart stands behind what is shown of so long a line."""
    listed = ", ".join(f"a-guest-with-a-long-name-{n:02}" for n in range(30))
    approvals = Approvals({Risk.CHANGES: Need.CONFIRM})
    file.says(apprenti_may(f"domu.show on {listed}"), approvals=approvals)
    async with place.bot(reload=file.read, approvals=approvals) as bot:
        asked = bot.chat.say("!config reload")
        code = await bot.code(asked)
        file.says(apprenti_may(f"domu.show on {listed}, *"), approvals=approvals)
        await bot.ask(f"!confirm {code}")
        said = await bot.chat.answer(asked)

        assert state(said) == "refused"
        assert "take the policy with the digest" in said.plain
        assert bot.engine.policy is POLICY
        assert await reloads(bot) == []


async def test_the_record_has_a_long_difference_whole(bot: Bot, file: File) -> None:
    listed = ", ".join(f"a-guest-with-a-long-name-{n:02}" for n in range(30))
    file.says(apprenti_may(f"domu.show on {listed}, *"))

    said = await bot.ask("!config reload")

    [data] = await reloads(bot)
    assert max(map(len, said.plain.splitlines())) <= 300
    assert f"+ role apprenti may: domu.show on {listed}, *" in data["difference"]
    assert data["digest"] == file.fresh.digest


async def policies(bot: Bot) -> list[Mapping[str, Any]]:
    async with bot.store.read() as tx:
        entries = await audit_log.tail(tx, 1000)
    return [entry.data for entry in entries if entry.kind == "policy"]


async def test_a_start_with_another_policy_is_in_the_record_and_one_with_the_same_is_not(
    place: Place,
) -> None:
    for number, policy in enumerate((POLICY, POLICY, apprenti_may("bot.ping")), 1):
        place.policy = policy
        async with place.bot() as bot:
            await record_policy(bot.engine)
            found = await policies(bot)
        assert len(found) == (1, 1, 2)[number - 1]

    assert found[1] == {
        "person": "bot",
        "digest": Fresh(place.policy, place.approvals).digest,
        "keys": ["roles.apprenti"],
    }
    assert {"approvals", "members.nounou", "roles.nounou"} <= {*found[0]["keys"]}


async def test_what_was_reloaded_is_nothing_new_at_the_next_start(place: Place, file: File) -> None:
    file.says(apprenti_may("bot.ping"))
    async with place.bot(reload=file.read) as bot:
        await record_policy(bot.engine)
        await bot.ask("!config reload")
    place.policy, place.approvals = file.fresh.policy, file.fresh.approvals
    async with place.bot() as bot:
        await record_policy(bot.engine)

        assert len(await policies(bot)) == 1


async def test_a_bot_without_a_file_says_so(place: Place) -> None:
    async with place.bot() as bot:
        said = await bot.ask("!config reload")

    assert (state(said), "without a file" in said.plain) == ("refused", True)


async def test_what_cannot_be_recorded_does_not_count(bot: Bot, file: File) -> None:
    """The disk is full for the one entry, and for no other."""
    file.says(apprenti_may("bot.ping"))
    async with bot.store.write() as tx:
        await tx.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.kind = 'reloaded' "
                "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        )

    said = await bot.ask("!config reload")

    assert said.plain.startswith("✘ The record cannot be written")
    assert bot.engine.policy is POLICY
    assert state(await bot.ask("!domu list", APPRENTI)) == "succeeded"
