"""What the tests of alerts and causes share: accounts of clocks, made of what matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.core.clock_account import Account, Move
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import trend
from bot.core.clocks import Reading, Role, Sample, Whose
from bot.core.time_service import Kernel, Source, Standing, Sync, TimeService

#: some day, at noon
NOON = 1_800_014_400.0
BOUND = 0.002
SERVER = Whose(Role.REFERENCE, "ntp.example.org")
BOT = Whose(Role.BOT, "the bot's own clock")
VM = Whose(Role.GUEST, "vm")
HOSTS = tuple(Whose(Role.HOST, name) for name in ("fy", "fz", "fw"))

GOOD = TimeService(
    "chrony",
    Sync.SYNCHRONISED,
    offset=0.0001,
    bound=0.002,
    sources=(Source("10.77.0.1", Standing.SELECTED, 2, 8),),
)
KERNEL = Kernel("xen")


def account(
    offset: float | None,
    *,
    service: TimeService | None = GOOD,
    kernel: Kernel | None = KERNEL,
    host: float = 0.0,
    server: float = 0.0,
    before: Sequence[float] = (),
    moved: Move | None = None,
    bound: float = BOUND,
    server_bound: float = BOUND,
) -> Account:
    """An account of vm on fy, which is *offset* ahead of the truth (None: it does not answer).

    *host* and *server* say by how much fy and the reference are; *before* what vm was, the newest
    last and five minutes apart.
    """
    reading = None if offset is None else Reading(offset, bound)
    vm = Measured(VM, NOON, reading, host="fy", service=service, kernel=kernel)
    others = [Measured(each, NOON, Reading(0.0, BOUND)) for each in (BOT, *HOSTS)]
    others[1] = replace(others[1], reading=Reading(host, BOUND))
    reference = Measured(SERVER, NOON, Reading(server, server_bound))
    sweep = Sweep(NOON, (reference, *others, vm), SERVER, 0.05)
    past = [
        Sample.of(NOON - 300.0 * number, Reading(each, bound))
        for number, each in enumerate(reversed(before), start=1)
    ]
    now = sweep.offset(VM)
    samples = [*reversed(past), *([Sample.of(NOON, now)] if now is not None else [])]
    return Account(vm, sweep, trend(samples), sweep.of(HOSTS[0]), moved)
