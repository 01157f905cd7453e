"""Where a guest is, asked twice: the bot says a home only when nothing else is possible."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.devices.host import Host
from bot.devices.xen import Domain, Kind, Transfer
from bot.engine.census import Census, Sighting, settle, take
from bot.engine.world import Timing
from bot.errors import DeviceError, Unreachable
from bot.lab import virtual
from tests.fake_hosts import FakeToolstack, domain, fake_host

OTHER = "99999999-2222-3333-4444-555555555555"
View = Sequence[Domain]


def stack(host: Host) -> FakeToolstack:
    assert isinstance(host.toolstack, FakeToolstack)
    return host.toolstack


def pair(fy: Sequence[View], fz: Sequence[View] = ((),)) -> tuple[Host, Host]:
    """Two hosts, with what each look at them shows."""
    return fake_host("fy", *fy), fake_host("fz", *fz)


async def test_one_alive_copy_in_both_rounds_is_a_home() -> None:
    census = await take(pair([[domain()]]), "vm")

    assert census.home == "fy"
    assert census.moving == ""
    assert census.sentence() == "vm on fy (id 1, running)."


@pytest.mark.parametrize("letters", ["r-----", "-b----", "------"])
async def test_running_blocked_and_neither_are_one_kind(letters: str) -> None:
    census = await take(pair([[domain()], [domain(state=letters)]]), "vm")

    assert census.home == "fy"


async def test_each_host_is_read_then_each_again() -> None:
    hosts = pair([[domain()]])

    await take(hosts, "vm")

    assert [stack(host).looks for host in hosts] == [2, 2]


@pytest.mark.parametrize(
    ("fy", "fz"),
    [
        pytest.param([[domain()], []], [[]], id="gone in the second round"),
        pytest.param([[], [domain()]], [[]], id="came in the second round"),
        pytest.param([[domain()], []], [[], [domain(domid=7)]], id="moved between the rounds"),
        pytest.param([[domain()], [domain(domid=2)]], [[]], id="rebooted between the rounds"),
        pytest.param([[domain()], [domain(state="--p---")]], [[]], id="paused meanwhile"),
        pytest.param([[domain()], [domain("vm--migratedaway")]], [[]], id="renamed meanwhile"),
        pytest.param([[domain()], [domain(uuid=OTHER)]], [[]], id="another guest by its name"),
    ],
)
async def test_rounds_that_differ_prove_nothing(fy: Sequence[View], fz: Sequence[View]) -> None:
    census = await take(pair(fy, fz), "vm")

    assert census.home is None
    assert "differ" in census.moving


@pytest.mark.parametrize(
    ("fy", "fz"),
    [
        pytest.param([], [], id="nowhere"),
        pytest.param([domain()], [domain(domid=9)], id="twice"),
        pytest.param([domain()], [domain("vm--incoming", 9, state="--p---")], id="half on fz"),
        pytest.param([domain("vm--incoming", state="--p---")], [], id="only half of it"),
        pytest.param([domain("vm--migratedaway", state="---ss-")], [], id="sent away"),
        pytest.param([domain("migrating-vm")], [], id="sent by xm"),
        pytest.param([domain(state="--p---")], [], id="paused"),
        pytest.param([domain(state="---ss-")], [], id="suspended"),
        pytest.param([domain(state="-----d")], [], id="dying"),
        pytest.param([domain(state="???")], [], id="in no state that is known"),
        pytest.param([domain(), domain("clone", 2)], [], id="same UUID under another name"),
        pytest.param([domain()], [domain("clone", 2)], id="same UUID and name elsewhere"),
        pytest.param([domain(), domain(domid=2, uuid=OTHER)], [], id="two of that name"),
    ],
)
async def test_anything_but_one_whole_alive_copy_is_no_home(fy: View, fz: View) -> None:
    census = await take(pair([fy], [fz]), "vm")

    assert census.home is None


async def test_the_guest_is_found_under_another_name_by_its_uuid() -> None:
    census = await take(pair([[]], [[domain("(null)", 4, state="--p---")]]), "vm", domain().uuid)

    assert [copy.host for copy in census.copies] == ["fz"]
    assert census.home is None


async def test_a_uuid_seen_on_one_host_is_looked_for_on_those_before_it() -> None:
    """The name is found on fz only; its UUID under another name lies on fy, which came first."""
    census = await take(pair([[domain("clone", 3)]], [[domain()]]), "vm")

    assert census.home is None
    assert census.moving or len(census.copies) == 2


async def test_other_guests_do_not_count() -> None:
    others = [domain("vm2", 2, uuid=OTHER), domain("vm--incoming-not", 3, uuid=OTHER)]

    assert (await take(pair([[domain(), *others]], [others]), "vm")).home == "fy"


@pytest.mark.parametrize(
    ("where", "transfer", "half", "moving"),
    [
        (0, Transfer(5, "vm", "xl migrate vm fz"), False, True),
        (1, Transfer(5, "vm", "xl migrate-receive", receives=True), False, True),
        (0, Transfer(5, "owl", "xl migrate owl fz"), False, False),
        (0, Transfer(5, "1", "xl migrate 1 fz"), False, True),
        (0, Transfer(5, "2", "xl migrate 2 fz"), False, False),
        (0, Transfer(5, "", "xl migrate"), False, True),
        (1, Transfer(5, "", "xl migrate-receive", receives=True), False, False),
        (1, Transfer(5, "", "xl migrate-receive", receives=True), True, True),
    ],
)
async def test_a_transfer_that_is_alive_means_still_moving(
    where: int, transfer: Transfer, half: bool, moving: bool
) -> None:
    incoming = [domain("vm--incoming", 9, state="--p---")] if half else []
    hosts = pair([[domain()]], [incoming])
    stack(hosts[where]).moving = (transfer,)

    census = await take(hosts, "vm")

    assert bool(census.moving) is moving
    if moving:
        assert "process 5" in census.moving
        assert census.home is None


async def test_a_silent_host_is_an_error_and_never_an_empty_one() -> None:
    hosts = pair([[domain()]])
    stack(hosts[1]).silent = Unreachable("fz is silent")

    with pytest.raises(Unreachable):
        await take(hosts, "vm")


TIMING = Timing(census_every=2.0, census_patience=60.0)


async def test_settling_waits_until_it_counts() -> None:
    moving = [[domain()], [], [domain()], []]
    hosts = pair([*moving, [domain()]])

    census = await settle(hosts, "vm", "", TIMING)

    assert census.home == "fy"
    assert stack(hosts[0]).looks == 6


async def test_settling_ends_with_its_patience_and_says_what_is_moving() -> None:
    hosts = pair([[domain()]])
    stack(hosts[0]).moving = (Transfer(5, "vm", "xl migrate vm fz"),)

    census = await settle(hosts, "vm", "", TIMING)

    assert census.moving
    assert census.home is None
    assert 30 <= stack(hosts[0]).looks / 2 <= 32


@pytest.mark.parametrize("error", [Unreachable("fz is silent"), DeviceError("garbled")])
async def test_settling_asks_again_after_a_lost_answer_but_not_for_ever(
    error: DeviceError,
) -> None:
    hosts = pair([[domain()]])
    stack(hosts[1]).silent = error

    with pytest.raises(type(error)):
        await settle(hosts, "vm", "", TIMING)

    assert stack(hosts[0]).looks > 20


NAMES = st.sampled_from(["vm", "vm", "vm", "vm--incoming", "vm--migratedaway", "owl", "(null)"])
DOMAINS = st.builds(
    domain,
    NAMES,
    st.integers(1, 3),
    uuid=st.sampled_from([domain().uuid, domain().uuid, OTHER]),
    state=st.sampled_from(["-b----", "r-----", "--p---", "---ss-", "-----d", "?"]),
)
VIEWS = st.lists(st.lists(DOMAINS, max_size=2), min_size=1, max_size=4)
MOVING = st.sampled_from(
    [(), (), (), (Transfer(5, "vm", "x"),), (Transfer(6, "", "y", receives=True),)]
)


def mine(view: View) -> list[Domain]:
    return [each for each in view if each.plain_name == "vm" or each.uuid == domain().uuid]


@settings(max_examples=200)
@given(VIEWS, VIEWS, MOVING, MOVING)
def test_a_home_is_said_only_when_both_rounds_saw_the_one_whole_copy_and_nothing_moves(
    fy: Sequence[View],
    fz: Sequence[View],
    on_fy: tuple[Transfer, ...],
    on_fz: tuple[Transfer, ...],
) -> None:
    hosts = pair(fy, fz)
    stack(hosts[0]).moving, stack(hosts[1]).moving = on_fy, on_fz

    async def look() -> Census:
        return await take(hosts, "vm", domain().uuid)

    census = virtual.run(look())

    if census.home is None:
        return
    for place in range(2):
        first, second = (mine(views[min(place, len(views) - 1)]) for views in (fy, fz))
        [(host, copy)] = [("fy", each) for each in first] + [("fz", each) for each in second]
        assert host == census.home
        assert copy.kind is Kind.ALIVE
        assert not copy.half_moved
    assert not any(transfer.guest == "vm" for transfer in (*on_fy, *on_fz))


def test_whole_copies_are_those_that_run_or_could_at_a_word() -> None:
    copies = tuple(
        Sighting(host, each)
        for host, each in [
            ("fy", domain()),
            ("fz", domain(domid=2, state="--p---")),
            ("fz", domain("vm--incoming", 3, state="--p---")),
            ("fz", domain(domid=4, state="---ss-")),
        ]
    )

    assert [copy.domain.domid for copy in Census("vm", copies).whole] == [1, 2]
