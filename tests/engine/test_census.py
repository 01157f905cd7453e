"""Where a guest is: said only when two looks at every host agree and nothing moves it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.units import Size
from bot.devices.host import Host
from bot.devices.xen import Domain, Transfer
from bot.engine.census import take

UUID = "ec306e52-864a-4468-bb8f-030e6da82685"


def domain(name: str = "vm", state: str = "-b----", domid: int = 7, uuid: str = UUID) -> Domain:
    return Domain(name, domid, uuid, Size.mib(512), 1, state, 1.0)


class Toolstack:
    """A host that lists something else at each look; the last list stays."""

    def __init__(self, looks: list[list[Domain]], transfers: tuple[Transfer, ...] = ()) -> None:
        self._looks = looks
        self._transfers = transfers

    async def domains(self) -> tuple[Domain, ...]:
        look = self._looks[0]
        self._looks = self._looks[1:] or self._looks
        return tuple(look)

    async def transfers(self) -> tuple[Transfer, ...]:
        return self._transfers


def host(name: str, *looks: list[Domain], transfers: tuple[Transfer, ...] = ()) -> Host:
    stub = SimpleNamespace(name=name, toolstack=Toolstack(list(looks), transfers))
    return cast(Host, stub)


async def test_one_copy_that_two_looks_agree_on_is_at_home() -> None:
    census = await take([host("fy", [domain()]), host("fz", [])], "vm")

    assert census.home == "fy"


async def test_running_idle_and_waiting_for_a_cpu_are_one_kind() -> None:
    looks = [domain(state="r-----")], [domain(state="------")]

    census = await take([host("fy", *looks), host("fz", [])], "vm")

    assert census.home == "fy"


@pytest.mark.parametrize(
    "second",
    [
        [],
        [domain(domid=8)],
        [domain(state="--p---")],
        [domain(name="vm--migratedaway")],
    ],
)
async def test_two_looks_that_differ_say_nothing(second: list[Domain]) -> None:
    census = await take([host("fy", [domain()], second), host("fz", [])], "vm")

    assert census.home is None
    assert "differ" in census.moving


@pytest.mark.parametrize(
    "transfer",
    [
        Transfer(12, "vm", "xl migrate vm fz"),
        Transfer(12, "7", "xl migrate 7 fz"),
        Transfer(12, "", "xl migrate -s ssh -p 22 vm fz"),
    ],
)
async def test_somebody_elses_transfer_is_seen_however_it_names_the_guest(
    transfer: Transfer,
) -> None:
    census = await take([host("fy", [domain()], transfers=(transfer,)), host("fz", [])], "vm")

    assert census.home is None
    assert "process 12" in census.moving


async def test_the_transfer_of_another_guest_is_no_matter_of_this_one() -> None:
    other = Transfer(12, "9", "xl migrate 9 fz"), Transfer(13, "", "xl migrate-receive", True)

    census = await take([host("fy", [domain()], transfers=other), host("fz", [])], "vm")

    assert census.home == "fy"


async def test_a_receiver_counts_where_a_half_moved_copy_is() -> None:
    receiver = Transfer(13, "", "xl migrate-receive", True)
    target = host("fz", [domain("vm--incoming", "--p---", 3)], transfers=(receiver,))

    census = await take([host("fy", [domain()]), target], "vm")

    assert "process 13" in census.moving


async def test_the_same_uuid_under_another_name_is_the_guest() -> None:
    census = await take([host("fy", [domain()]), host("fz", [domain("renamed")])], "vm")

    assert census.home is None
    assert len(census.copies) == 2


LISTS = st.lists(
    st.builds(
        domain,
        st.sampled_from(["vm", "vm--incoming", "vm--migratedaway", "other"]),
        st.sampled_from(["r-----", "-b----", "------", "--p---", "---ss-", "---sc-", "??????"]),
        st.integers(1, 3),
        st.sampled_from([UUID, "00000000-0000-0000-0000-000000000001"]),
    ),
    max_size=2,
)


@given(st.lists(LISTS, min_size=2, max_size=2), st.lists(LISTS, min_size=2, max_size=2))
async def test_home_is_said_only_of_one_copy_seen_alive_twice(
    fy: list[list[Domain]], fz: list[list[Domain]]
) -> None:
    census = await take([host("fy", *fy), host("fz", *fz)], "vm")

    if census.home is not None:
        looks = fy if census.home == "fy" else fz
        others = fz if census.home == "fy" else fy
        for look in looks:
            assert sum(each.plain_name == "vm" for each in look) == 1
        for look in others:
            assert not any(each.plain_name == "vm" for each in look)
