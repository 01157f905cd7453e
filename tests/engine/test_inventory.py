"""What exists, as last seen: for hints and for turning words into objects."""

from __future__ import annotations

import pytest

from bot.core.policy import Right, Rights, Rule
from bot.engine.inventory import DomU, Inventory, UnknownObject, View
from bot.errors import Denied, Unreachable
from tests.engine.scene import OWL, Scene
from tests.fake_hosts import domain


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.fz.xen.now(domain("owl", 2, uuid=OWL))
    return scene


@pytest.fixture
def inventory(scene: Scene) -> Inventory:
    return Inventory(scene.world, lambda: 42.0)


def rights(*allow: str, deny: tuple[str, ...] = ()) -> Rights:
    return Rights(
        tuple(Rule(Right.parse(each)) for each in allow),
        tuple(Rule(Right.parse(each)) for each in deny),
    )


async def test_before_it_was_read_it_knows_hosts_and_no_guests(inventory: Inventory) -> None:
    assert inventory.names("dom0") == {"fy", "fz"}
    assert inventory.names("domu") == set()


async def test_it_reads_every_host_and_notes_when(inventory: Inventory) -> None:
    await inventory.refresh()

    assert inventory.names("domu") == {"vm", "owl"}
    assert inventory.read_at == {"fy": 42.0, "fz": 42.0}


async def test_a_half_moved_guest_goes_by_its_own_name(scene: Scene, inventory: Inventory) -> None:
    scene.fz.xen.now(domain("vm--incoming", 9, state="--p---"))

    await inventory.refresh()

    assert inventory.names("domu") == {"vm"}


async def test_a_silent_host_keeps_what_was_last_seen_there(
    scene: Scene, inventory: Inventory
) -> None:
    await inventory.refresh()
    scene.fz.xen.silent = Unreachable("fz is silent")
    scene.fy.xen.now()

    await inventory.refresh()

    assert inventory.names("domu") == {"owl"}
    assert inventory.problems == {"fz": "fz is silent"}

    scene.fz.xen.silent = None
    await inventory.refresh()
    assert inventory.problems == {}


async def test_who_may_see_all_gets_hints_among_all(scene: Scene, inventory: Inventory) -> None:
    await inventory.refresh()
    view = View(inventory, rights("*"), "domu.migrate")

    assert view.find("domu", "vm") == DomU("vm")
    assert view.find("dom0", "fz") is scene.fz.host
    with pytest.raises(UnknownObject, match="no DomU called 'owll'") as caught:
        view.find("domu", "owll")
    assert caught.value.hint == "Did you mean owl?"
    with pytest.raises(UnknownObject) as caught:
        view.find("domu", "zebra")
    assert caught.value.hint == "There are: owl, vm."


async def test_where_no_host_answers_that_is_the_hint(scene: Scene, inventory: Inventory) -> None:
    scene.fy.xen.silent = scene.fz.xen.silent = Unreachable("it is silent")
    await inventory.refresh()

    with pytest.raises(UnknownObject) as caught:
        View(inventory, rights("*"), "domu.migrate").find("domu", "vm")

    assert caught.value.hint == "it is silent; it is silent"


@pytest.mark.parametrize(
    "held", [rights("domu.migrate on vm"), rights("*", deny=("domu.migrate on owl",))]
)
async def test_forbidden_and_unknown_read_the_same(inventory: Inventory, held: Rights) -> None:
    await inventory.refresh()
    view = View(inventory, held, "domu.migrate")

    answers = set()
    for name in ("owl", "eel"):
        with pytest.raises((Denied, UnknownObject)) as caught:
            view.find("domu", name)
        answers.add((str(caught.value).replace(name, "NAME"), caught.value.hint))

    assert len(answers) == 1
    assert view.find("domu", "vm") == DomU("vm")


async def test_rights_on_guests_do_not_hide_hosts(inventory: Inventory) -> None:
    """The pattern of a right to `domu.migrate` is about DomUs; where to is no object of it."""
    view = View(inventory, rights("domu.migrate on vm"), "domu.migrate")

    assert view.find("dom0", "fz") is inventory.world.hosts["fz"]


MIGRATE = (("domu", "domu"), ("to", "dom0"))


@pytest.mark.parametrize(
    "held",
    [
        rights("domu.migrate to fz"),
        rights("domu.migrate on vm to fz", "domu.migrate on owl to f[xz]"),
        rights("*", deny=("domu.migrate to fy, fx",)),
    ],
)
async def test_a_dom0_that_no_right_speaks_of_reads_as_an_unknown_one(
    inventory: Inventory, held: Rights
) -> None:
    view = View(inventory, held, "domu.migrate", MIGRATE)

    answers = set()
    for name in ("fy", "fx"):
        with pytest.raises((Denied, UnknownObject)) as caught:
            view.find("dom0", name)
        answers.add((str(caught.value).replace(name, "NAME"), caught.value.hint))

    assert len(answers) == 1
    assert view.find("dom0", "fz") is inventory.world.hosts["fz"]


@pytest.mark.parametrize(
    "held",
    [
        rights("domu.migrate"),
        rights("domu.migrate to fz", "domu.migrate on owl"),
        rights("*", deny=("domu.migrate on owl to fy",)),
    ],
)
async def test_a_dom0_that_is_of_use_with_some_guest_is_known(
    inventory: Inventory, held: Rights
) -> None:
    view = View(inventory, held, "domu.migrate", MIGRATE)

    assert view.find("dom0", "fy") is inventory.world.hosts["fy"]


@pytest.mark.parametrize(
    ("held", "rule"),
    [
        (rights("domu.migrate on vm"), "none"),
        (rights("*", deny=("domu.show", "domu.* on o*")), "domu.* on o*"),
    ],
)
async def test_a_denial_knows_its_rule_for_the_record(
    inventory: Inventory, held: Rights, rule: str
) -> None:
    await inventory.refresh()

    with pytest.raises(Denied) as caught:
        View(inventory, held, "domu.migrate", MIGRATE).find("domu", "owl")

    assert caught.value.rule == rule


@pytest.mark.parametrize("name", ["x" * 10_000, "\x1b[31m", "<b>", "${IFS}", "日本"])
async def test_any_name_is_quoted_clean(inventory: Inventory, name: str) -> None:
    with pytest.raises(UnknownObject) as caught:
        View(inventory, rights("*"), "domu.migrate").find("domu", name)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 120
