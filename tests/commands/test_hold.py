"""!hold, !release, !holds and !host maintenance: what is said of them, and who may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.holds import HoldKind
from bot.core.policy import Right, Role
from bot.lab.faults import REFUSE, Fault
from tests.engine.alive import APPRENTI, NOUNOU2, POLICY, Bot, Place
from tests.fakes import NOUNOU, Said


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


def allow(place: Place, *allow: str, deny: tuple[str, ...] = ()) -> None:
    role = Role(tuple(map(Right.parse, allow)), tuple(map(Right.parse, deny)))
    place.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})


async def test_a_hold_says_what_it_is_on_until_when_and_how_it_ends(bot: Bot) -> None:
    said = await bot.ask("!hold vm for 1h30m reason its disks are copied")

    assert said.plain.splitlines() == [
        "✔ DomU vm is held by nounou until 09:30 UTC: its disks are copied",
        "!release vm ends it.",
    ]


@pytest.mark.parametrize(
    ("what", "kind", "name"),
    [
        ("vm", HoldKind.DOMU, "vm"),
        ("domu:vm", HoldKind.DOMU, "vm"),
        ("sleeper", HoldKind.DOMU, "sleeper"),
        ("fz", HoldKind.HOST, "fz"),
        ("host:fz", HoldKind.HOST, "fz"),
        ("vm-root", HoldKind.VOLUME, "vm-root"),
        ("volume:daath-home", HoldKind.VOLUME, "daath-home"),
    ],
)
async def test_what_a_name_is_is_found_by_looking(
    bot: Bot, what: str, kind: HoldKind, name: str
) -> None:
    assert state(await bot.ask(f"!hold {what} reason a test")) == "succeeded"

    [hold] = bot.engine.holds.standing
    assert (hold.kind, hold.name, hold.reason) == (kind, name, "a test")


async def test_a_hold_knows_a_guest_and_a_volume_by_what_they_are(bot: Bot, place: Place) -> None:
    await bot.ask("!hold vm reason a test")
    await bot.ask("!hold vm-root reason a test")
    await bot.ask("!hold sleeper reason it does not run")

    uuids = [
        each.guest.uuid
        for each in place.lab.hosts["fy"].domains.values()
        if each.guest.name == "vm"
    ]
    volumes = await bot.engine.world.arrays["nols"].volumes()
    [wwn] = [each.wwn for each in volumes if each.name == "vm-root"]
    assert [hold.identity for hold in bot.engine.holds.standing] == [*uuids, wwn, ""]


async def test_a_name_that_is_two_things_is_said_with_its_kind(bot: Bot, place: Place) -> None:
    array = place.lab.arrays["nols"]
    array.volumes["vm"] = replace(array.volumes["vm-root"], name="vm")

    said = await bot.ask("!hold vm reason a test")

    assert state(said) == "usage"
    assert "vm is several things; say which: domu:vm, volume:vm." in said.plain
    assert state(await bot.ask("!hold volume:vm reason a test")) == "succeeded"
    assert state(await bot.ask("!hold domu:vm reason a test")) == "succeeded"

    said = await bot.ask("!release vm")
    assert "say which: domu:vm, volume:vm." in said.plain
    assert state(await bot.ask("!release volume:vm")) == "succeeded"
    assert [hold.kind for hold in bot.engine.holds.standing] == [HoldKind.DOMU]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("!hold zamokk reason a test", "Did you mean zamok, "),
        ("!hold vm-rot reason a test", "vm-root"),
        ("!hold domu:zamokk reason a test", "Did you mean zamok?"),
        ("!hold volume:vm reason a test", "There is no volume called vm."),
        ("!hold host:vm reason a test", "There is no Dom0 called vm."),
        ("!hold domu:fz reason a test", "There is no DomU called fz."),
        ("!hold nonsense reason a test", "There is no DomU, Dom0 or volume called nonsense."),
    ],
)
async def test_a_typo_protects_nothing_and_is_told(bot: Bot, line: str, hint: str) -> None:
    said = await bot.ask(line)

    assert state(said) == "usage"
    assert hint in said.plain
    assert "^^" in said.plain
    assert bot.engine.holds.standing == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("vm", "The reason is missing."),
        ("vm for 2h", "The reason is missing."),
        ("vm for 2h reason", "The reason is missing."),
        ("vm for", "not a length of time"),
        ("vm for ever", "not a length of time"),
        ("vm 2h reason its disks", "for how long, and why"),
        ("vm 1h30m its disks", "for how long, and why"),
        ("vm for 2h 3h reason its disks", "for how long, and why"),
        ("vm until 2h reason its disks", "for how long, and why"),
        ("vm for 2h because reason its disks", "for how long, and why"),
        ("vm for 10s a test", "from a minute to a year"),
        ("vm for 400d a test", "from a minute to a year"),
        ("vm for 999999d999999d a test", "from a minute to a year"),
        ("lun:7 a test", "no kind of thing that can be held"),
        ("vm:root a test", "no kind of thing that can be held"),
        ("host: a test", "is not a name"),
        ("$(reboot) a test", "is not a name"),
    ],
)
async def test_what_is_not_whole_holds_nothing(bot: Bot, words: str, complaint: str) -> None:
    said = await bot.ask(f"!hold {words}")

    assert state(said) == "usage"
    assert complaint in said.plain
    assert bot.engine.holds.standing == []


async def test_the_reason_is_shown_clean(bot: Bot) -> None:
    await bot.ask("!hold vm '<b>bold</b>'")

    said = await bot.ask("!holds")

    assert "<b>bold" in said.plain
    assert "<b>bold" not in said.post.text.html
    await bot.ask("!hold owl reason " + "long " * 100)
    assert len(bot.engine.holds.standing[1].reason) <= 200


async def test_two_persons_may_hold_one_thing_and_both_must_let_it_go(bot: Bot) -> None:
    await bot.ask("!hold vm reason mine")
    assert state(await bot.ask("!hold vm reason mine too", NOUNOU2)) == "succeeded"

    said = await bot.ask("!hold vm reason again")
    assert state(said) == "refused"
    assert "held by nounou since" in said.plain

    said = await bot.ask("!release vm")
    assert "Your hold on DomU vm is released." in said.plain
    assert "held by nounou2" in said.plain
    assert state(await bot.ask("!migrate vm fz")) == "refused"

    said = await bot.ask("!release vm", NOUNOU2)
    assert "DomU vm is free: nobody holds it any more." in said.plain
    assert state(await bot.ask("!migrate vm fz")) == "succeeded"


async def test_the_hold_of_somebody_else_ends_only_where_that_is_said_and_they_are_told(
    bot: Bot,
) -> None:
    await bot.ask("!hold vm reason mine", NOUNOU2)

    said = await bot.ask("!release vm")
    assert state(said) == "refused"
    assert "Ask nounou2. !release vm --all ends it as well" in said.plain

    assert state(await bot.ask("!release vm --all")) == "succeeded"
    await bot.engine.outbox.drained()
    [notice] = [said for said in bot.chat.said() if "released your hold" in said.plain]
    assert "nounou2, nounou released your hold on DomU vm (mine)." in notice.plain
    assert notice.post.mentions == (NOUNOU2,)
    assert bot.engine.holds.standing == []


async def test_what_is_not_held_is_said_plainly(bot: Bot) -> None:
    await bot.ask("!host maintenance fz on reason a test")
    for what in ("vm", "fz", "nothing"):
        said = await bot.ask(f"!release {what}")
        assert state(said) == "refused"
        assert f"Nobody holds {what}." in said.plain
        off = "!host maintenance fz off ends its maintenance."
        assert said.plain.endswith(off if what == "fz" else "!holds lists what is held.")


async def test_everybody_sees_what_is_held_and_why(bot: Bot) -> None:
    assert "Nothing is held" in (await bot.ask("!holds")).plain
    await bot.ask("!hold vm for 2h reason disk swap")
    await bot.ask("!host maintenance fz on reason new memory", NOUNOU2)

    said = await bot.ask("!holds")

    assert "2 holds." in said.plain
    assert "DomU vm " in said.plain
    assert "disk swap" in said.plain
    assert "Dom0 fz, maintenance  nounou2" in said.plain
    assert said.plain.splitlines()[-2:] == [
        "!release NAME ends one of yours.",
        "!host maintenance fz off ends its maintenance.",
    ]
    shown = "DomU vm is held by nounou until 10:00 UTC: disk swap"
    assert shown in (await bot.ask("!domu show vm")).plain
    status = (await bot.ask("!status")).plain
    assert shown in status
    assert "Dom0 fz is in maintenance since 08:00 UTC and takes no guest in (nounou2)" in status
    rows = (await bot.ask("!domu list")).plain.splitlines()
    assert [row.split()[0] for row in rows if ", held" in row] == ["vm"]


async def test_where_there_is_maintenance_alone_nothing_is_said_of_releasing(bot: Bot) -> None:
    await bot.ask("!host maintenance fz on reason new memory")

    assert "!release" not in (await bot.ask("!holds")).plain


async def test_a_stopped_guest_that_is_held_is_shown_so(bot: Bot) -> None:
    await bot.ask("!hold sleeper reason a test")

    assert "DomU sleeper is held by nounou" in (await bot.ask("!domu show sleeper")).plain
    rows = (await bot.ask("!domu list")).plain.splitlines()
    assert [row.split()[0] for row in rows if "stopped, held" in row] == ["sleeper"]


async def test_the_status_does_not_drown_in_holds(bot: Bot) -> None:
    for name in ("vm", "owl", "zamok", "sleeper", "redisdead", "fy", "fz"):
        assert state(await bot.ask(f"!hold {name} reason a test")) == "succeeded"

    said = await bot.ask("!status")

    assert said.plain.count("is held by nounou") == 5
    assert "and 2 more: !holds" in said.plain


async def test_the_status_names_no_hold_that_the_asker_may_not_see(bot: Bot, place: Place) -> None:
    role = Role(tuple(map(Right.parse, ("bot.status", "hold.list on owl"))))
    bot.engine.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})
    for name in ("vm", "owl"):
        await bot.ask(f"!hold {name} reason a test")

    said = (await bot.ask("!status", APPRENTI)).plain

    assert "DomU owl is held by nounou" in said
    assert "DomU vm" not in said


async def test_maintenance_twice_says_since_when_and_off_while_off_says_so(bot: Bot) -> None:
    assert state(await bot.ask("!host maintenance fz on reason new memory")) == "succeeded"

    said = await bot.ask("!host maintenance fz on reason again", NOUNOU2)
    assert state(said) == "refused"
    assert "in maintenance since 08:00 UTC" in said.plain
    assert "(nounou): new memory" in said.plain

    said = await bot.ask("!host maintenance fz off", NOUNOU2)
    assert "Dom0 fz takes guests in again." in said.plain
    said = await bot.ask("!host maintenance fz off")
    assert state(said) == "refused"
    assert "Dom0 fz is not in maintenance." in said.plain


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("fz on", "The reason is missing."),
        ("fz perhaps a test", "neither on nor off"),
        ("fx on a test", "no Dom0 called 'fx'"),
        ("vm on a test", "no Dom0 called 'vm'"),
    ],
)
async def test_maintenance_that_is_not_whole_is_refused(
    bot: Bot, words: str, complaint: str
) -> None:
    said = await bot.ask(f"!host maintenance {words}")

    assert state(said) == "usage"
    assert complaint in said.plain
    assert bot.engine.holds.standing == []


async def test_rights_are_by_the_name_of_what_is_held(place: Place) -> None:
    allow(place, "hold.* on vm*", "host.maintenance on fz", deny=("hold.place on vm-swap",))
    async with place.bot() as bot:
        for line, said in {
            "!hold vm a test": "succeeded",
            "!hold domu:vm a test": "refused",
            "!hold volume:vm-root a test": "succeeded",
            "!hold vm-swap a test": "denied",
            "!hold volume:vm-swap a test": "denied",
            "!hold owl a test": "denied",
            "!hold domu:owl a test": "denied",
            "!hold fz a test": "denied",
            "!release vm": "succeeded",
            "!release owl": "denied",
            "!host maintenance fz on a test": "succeeded",
            "!host maintenance fy on a test": "denied",
        }.items():
            assert state(await bot.ask(line, APPRENTI)) == said, line


async def test_forbidden_and_unknown_read_the_same(place: Place) -> None:
    allow(place, "hold.place on vm")
    async with place.bot() as bot:
        answers = {
            (await bot.ask(f"!hold {name} a test", APPRENTI)).plain.replace(name, "NAME")
            for name in ("owl", "eel", "fz", "vm-root", "vm-boot")
        }
        answers |= {
            (await bot.ask(f"!hold {kind}{name} a test", APPRENTI)).plain.replace(name, "NAME")
            for kind in ("domu:", "volume:", "host:")
            for name in ("owl", "eel", "fz", "vm-root", "vm-boot")
        }

        assert len(answers) == 1


async def test_hints_name_nothing_that_is_not_theirs(place: Place) -> None:
    allow(place, "hold.place on vm-*", deny=("hold.place on vm-root",))
    async with place.bot() as bot:
        near = (await bot.ask("!hold vm-swapp a test", APPRENTI)).plain
        barred = (await bot.ask("!hold vm-rooot a test", APPRENTI)).plain

    assert "Did you mean vm-swap?" in near
    assert "Did you mean" not in barred


async def test_who_may_list_some_sees_no_others(place: Place) -> None:
    allow(place, "hold.list on vm*")
    async with place.bot() as bot:
        await bot.ask("!hold vm reason a test")
        await bot.ask("!hold owl reason a secret")

        said = await bot.ask("!holds", APPRENTI)

    assert "1 hold." in said.plain
    assert "owl" not in said.plain
    assert "secret" not in said.plain


async def test_what_is_on_a_silent_host_is_held_by_the_name_that_was_seen(
    bot: Bot, place: Place
) -> None:
    assert state(await bot.ask("!domu show vm")) == "succeeded"
    await bot.engine.inventory.refresh()
    place.lab.fault(Fault(REFUSE, "fy"))

    said = await bot.ask("!hold vm reason a test")

    assert state(said) == "succeeded", said.plain
    assert "fy cannot be asked" in said.plain
    said = await bot.ask("!hold eel reason a test", NOUNOU)
    assert state(said) == "refused"
    assert "There is no eel on what answers." in said.plain


@pytest.mark.parametrize(
    ("denied", "line"),
    [
        ("host.maintenance state off", "!host maintenance fz OFF"),
        ("hold.place what vm", "!hold domu:vm reason a test"),
        ("hold.place what vm-*", "!hold volume:vm-root reason a test"),
        ("hold.place on vm", "!hold domu:vm reason a test"),
    ],
)
async def test_what_is_denied_is_denied_however_it_is_typed(
    place: Place, denied: str, line: str
) -> None:
    allow(place, "host.*", "hold.*", deny=(denied,))
    async with place.bot() as bot:
        await bot.ask("!host maintenance fz on reason a test")
        said = await bot.ask(line, APPRENTI)

        assert state(said) == "denied"
        assert [hold.by for hold in bot.engine.holds.standing] == ["nounou"]
