"""Every command with every role of a policy: each declared right is enforced, and no other needed.

The walk finds the commands by itself, so that a new one is in it from its first day.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.app import registry_of
from bot.core.command import Command
from bot.core.policy import Policy, Right, Role
from bot.core.risk import Risk
from bot.engine import audit_log
from tests.engine.alive import LOOKING, Place
from tests.fakes import NOUNOU, Said
from tests.helped import helped

COMMANDS = list(registry_of(["commands"]))

#: a word that each kind of argument takes, in the lab's world
WORDS = {
    "domu": "vm",
    "dom0": "fz",
    "job": "1",
    "number": "1",
    "count": "3",
    "word": "ping",
    "any": "vm",
    "switch": "on",
    "person": "apprenti",
    "sysrq": "s",
    "keys": "enter",
    "power": "status",
}

FIXED = {
    "everything": Role((Right.parse("*"),)),
    "nothing": Role(),
    "looks": Role(tuple(map(Right.parse, LOOKING))),
    "all but moving": Role((Right.parse("*"),), (Right.parse("domu.migrate"),)),
    "denied everything": Role((Right.parse("*"),), (Right.parse("*"),)),
}
#: what may be said of one verb: how a role is called, its rights (VERB is the verb), what it denies
ABOUT = {
    "only VERB": ("VERB", ""),
    "all but VERB": ("*", "VERB"),
    "VERB on other things": ("VERB on no-such-thing", ""),
    "VERB on these things": ("VERB on vm, fz", ""),
    "VERB except these things": ("VERB except vm, fz", ""),
    "VERB on what is denied": ("*", "VERB on vm, fz"),
    "VERB on a Dom0 that is denied": ("*", "VERB on fz"),
    "anything on a Dom0 that is denied": ("*", "* on f?"),
    "VERB on other things is denied": ("*", "VERB on daath-*"),
    "VERB but on these things is denied": ("*", "VERB except vm"),
    "VERB here": ("VERB in #nounou:*", ""),
    "VERB elsewhere": ("VERB in #elsewhere:*", ""),
    "VERB denied here": ("*", "VERB in #nounou:localhost"),
    "VERB denied elsewhere": ("*", "VERB in #elsewhere:localhost"),
    **{f"VERB as typed {n}": (f"VERB PARAMETER{n} WORD{n}", "") for n in range(2)},
    **{f"VERB as not typed {n}": (f"VERB PARAMETER{n} no-such-word", "") for n in range(2)},
    **{f"VERB typed is denied {n}": ("*", f"VERB PARAMETER{n} WORD{n}") for n in range(2)},
    **{f"VERB not typed is denied {n}": ("*", f"VERB PARAMETER{n} no-such-word") for n in range(2)},
}


def typed(command: Command) -> list[tuple[str, str]]:
    """The words that `line` gives to *command*, by their parameters."""
    return [(each.name, WORDS[each.type.kind]) for each in command.params if each.required]


def expected(command: Command) -> dict[str, bool]:
    """Which roles about its verb may run *command*, said without any help of the policy."""
    kinds = {
        "host": ["dom0"],
        "ilo": ["dom0"],
        "console": ["domu"],
        "hold": ["any", "domu", "dom0", "volume"],
        "clock": ["any"],
    }
    noun = command.needs.partition(".")[0]
    named = any(
        each.required and each.type.is_object and each.type.kind in kinds.get(noun, [noun])
        for each in command.params
    )
    words = [WORDS[each.type.kind] for each in command.params if each.type.is_object]
    objects = words if any(each.required for each in command.params) else []
    may = {
        "only VERB": True,
        "all but VERB": False,
        "VERB on other things": command.filters and not named,
        "VERB on these things": named or command.filters,
        "VERB except these things": command.filters and not named,
        "VERB on what is denied": not objects,
        "VERB on a Dom0 that is denied": "fz" not in objects,
        "anything on a Dom0 that is denied": "fz" not in objects,
        "VERB on other things is denied": True,
        "VERB but on these things is denied": command.needs not in ("host.maintenance", "ilo.show"),
        "VERB here": True,
        "VERB elsewhere": False,
        "VERB denied here": False,
        "VERB denied elsewhere": True,
    }
    for n in range(len(typed(command)[:2])):
        may |= {f"VERB as typed {n}": True, f"VERB as not typed {n}": False}
        may |= {f"VERB typed is denied {n}": False, f"VERB not typed is denied {n}": True}
    return may


def role_about(command: Command, about: str) -> Role:
    """The role that *about* describes, of the verb and the words of *command*."""
    texts = [*ABOUT[about]]
    for n, (parameter, word) in enumerate(typed(command)):
        texts = [
            text.replace(f"PARAMETER{n}", parameter).replace(f"WORD{n}", word) for text in texts
        ]
    allow, deny = (text.replace("VERB", command.needs) for text in texts)
    return Role((Right.parse(allow),), (Right.parse(deny),) if deny else ())


def called(command: Command, about: str) -> str:
    return f"{command.name}: {about}"


ROLES = {
    **FIXED,
    **{
        called(command, about): role_about(command, about)
        for command in COMMANDS
        for about in expected(command)
    },
}


def chat_id(role: str) -> str:
    return f"@{role.strip().replace(' ', '-')}:localhost"


POLICY = Policy(
    persons={chat_id(role): role for role in ROLES},
    roles={role: (role,) for role in ROLES},
    rights=ROLES,
)


def line(command: Command) -> str:
    """A whole line that *command* takes; nothing is changed by it."""
    words = [word for _parameter, word in typed(command)]
    options = ["--dry-run"] if "dry_run" in command.options else []
    return " ".join([f"!{command.name}", *words, *options])


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


def walk() -> Iterator[tuple[Command, str, bool]]:
    """Each command, each role, and whether the one may run the other.

    Of the roles that are about one command, those about it are what matters.
    """
    for command in COMMANDS:
        for role in FIXED:
            rights = ROLES[role]
            allowed = any(right.has_verb(command.needs) for right in rights.allow)
            denied = any(right.has_verb(command.needs) for right in rights.deny)
            yield command, role, allowed and not denied
        for about, may in expected(command).items():
            yield command, called(command, about), may


# some two thousand commands
@pytest.mark.timeout(240)
async def test_every_command_asks_for_its_right_and_for_no_other(place: Place) -> None:
    place.policy = POLICY
    wrong = []
    async with place.bot() as bot:
        for command, role, may in walk():
            said = await bot.ask(line(command), chat_id(role))
            if (state(said) != "denied") is not may:
                wrong.append((command.name, role, state(said), said.plain))

    assert wrong == []
    assert place.migrations() == []


def further() -> Iterator[tuple[Command, str, str]]:
    """Each command with words that need another right: a line of it, and that right."""
    for command in COMMANDS:
        for key, verb in command.further.items():
            parameter, _equals, word = key.partition("=")
            words = [word if name == parameter else other for name, other in typed(command)]
            option = command.options.get(parameter)
            if option is not None:
                words.append(option.flag)
                words += [WORDS[option.type.kind]] if option.type is not None else []
            yield command, " ".join([f"!{command.name}", *words, "--dry-run"]), verb


async def test_words_that_need_another_right_ask_for_it_as_well(place: Place) -> None:
    wrong, tried = [], 0
    verbs = {verb for command in COMMANDS for verb in command.verbs}
    roles = {
        f"{first} {second}": Role((Right.parse(first), Right.parse(second)))
        for first in verbs
        for second in verbs
    }
    persons = {chat_id(role): role for role in roles}
    place.policy = Policy(persons, {role: (role,) for role in roles}, roles)
    async with place.bot() as bot:
        for command, line_of_it, verb in further():
            for second, may in ((verb, True), (command.needs, False)):
                said = await bot.ask(line_of_it, chat_id(f"{command.needs} {second}"))
                tried += 1
                if (state(said) != "denied") is not may:
                    wrong.append((line_of_it, second, state(said), said.plain))

    assert wrong == []
    assert tried >= 4


async def test_what_is_denied_on_a_dom0_is_hidden_like_what_is_not_there(place: Place) -> None:
    role = Role((Right.parse("*"),), (Right.parse("* on fz"),))
    place.policy = Policy({NOUNOU: "nounou"}, {"nounou": ("some",)}, {"some": role})
    async with place.bot() as bot:
        forbidden = await bot.ask("!migrate vm fz --dry-run")
        missing = await bot.ask("!migrate vm fq --dry-run")
        why = await bot.ask("!why migrate vm fz")

    assert forbidden.plain.splitlines()[0] == "✘ There is no Dom0 called 'fz' that you may use."
    assert missing.plain.splitlines()[0] == "✘ There is no Dom0 called 'fq' that you may use."
    assert why.plain.startswith(
        "nounou may not run !migrate vm fz.\ndenied by: * on fz (role some)"
    )


def test_the_walk_is_long_enough_to_mean_something() -> None:
    steps = list(walk())

    assert len(COMMANDS) >= 25
    assert len(steps) >= 15 * len(COMMANDS)
    assert {may for _command, _role, may in steps} == {True, False}
    for command in COMMANDS:
        assert {may for each, _role, may in steps if each is command} == {True, False}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_described_with_an_example(command: Command) -> None:
    assert command.summary.endswith(".")
    assert f"Example: {command.name}" in command.description
    assert command.needs.count(".") == 1


@pytest.mark.parametrize(
    "command",
    [each for each in COMMANDS if each.risk > Risk.CHANGES or each.further],
    ids=lambda each: each.name,
)
def test_what_interrupts_can_be_tried_dry_recovered_and_settled(command: Command) -> None:
    assert "dry_run" in command.options
    assert command.planner is not None
    assert command.recoverer is not None
    assert command.settler is not None


async def test_help_lists_for_each_role_what_it_may_run_and_nothing_else(place: Place) -> None:
    place.policy = POLICY
    async with place.bot() as bot:
        for role in ("everything", "looks", "all but moving"):
            said = await bot.ask("!help", chat_id(role))
            may = {each.name for each, who, allowed in walk() if who == role and allowed}
            assert helped(said.plain) == may


@pytest.mark.parametrize(
    ("allow", "deny", "listed"),
    [
        ("domu.migrate on vm-* to fz", "domu.list", {"help", "migrate"}),
        ("domu.list on vm-*", "domu.migrate", {"help", "domu list"}),
        ("job.cancel", "job.cancel on vm-*", {"help", "job cancel"}),
        ("job.cancel on vm-*", "domu.list", {"help"}),
        ("*", "bot.[!h]*, [!b]*.*", {"help"}),
    ],
)
async def test_help_lists_what_one_may_run_on_something_at_least(
    place: Place, allow: str, deny: str, listed: set[str]
) -> None:
    role = Role((Right.parse("bot.help"), Right.parse(allow)), (Right.parse(deny),))
    place.policy = Policy({NOUNOU: "some"}, {"some": ("some",)}, {"some": role})
    async with place.bot() as bot:
        said = await bot.ask("!help")

    assert helped(said.plain) == listed


async def test_rights_on_objects_give_nothing_where_there_are_none(place: Place) -> None:
    texts = ("bot.help", "bot.ping on vm", "job.cancel on vm", "* on no-such-thing")
    role = Role(tuple(map(Right.parse, texts)))
    place.policy = Policy({NOUNOU: "some"}, {"some": ("some",)}, {"some": role})
    async with place.bot() as bot:
        ping, cancel = await bot.ask("!ping"), await bot.ask("!job cancel 1")

    assert (state(ping), state(cancel)) == ("denied", "denied")


async def test_a_denial_is_recorded_with_the_rule_that_decides(place: Place) -> None:
    role = Role(
        tuple(map(Right.parse, ("bot.ping", "domu.migrate on vm", "domu.show to fz"))),
        (Right.parse("domu.list"),),
    )
    place.policy = Policy({NOUNOU: "some"}, {"some": ("some",)}, {"some": role})
    lines = ("!domu list", "!migrate owl fz --dry-run", "!domu show vm", "!job list")
    async with place.bot() as bot:
        for line in lines:
            assert state(await bot.ask(line)) == "denied"
            await place.later(61)  # within a minute they are only counted
        async with bot.store.read() as tx:
            entries = await audit_log.tail(tx, 100)

    denied = [entry.data["rule"] for entry in entries if entry.kind == "denied"]
    assert denied == ["domu.list (role some)", "none", "none", "none"]
