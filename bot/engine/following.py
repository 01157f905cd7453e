"""Starting a command that runs detached on a host, once, and following it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.core.render import duration
from bot.devices.host import Detached, Host, Phase
from bot.engine.context import Context
from bot.errors import DeviceError, Failed, OutcomeUnknown, Refused, StoreError
from bot.i18n import _


@dataclass(frozen=True)
class Errand:
    """A detached command on its host: what it is for, how far it is, and what is said of it."""

    #: the guest that it is about
    guest: str
    host: Host
    #: its name there; the places of older ones are taken for ever
    attempt: str
    #: the command itself
    words: tuple[str, ...]
    #: what it does, as the step of the job calls it
    title: str
    #: what can be seen of it now: measured, never invented
    stage: Callable[[], Awaitable[str]]
    #: what is said where it was not sent, for the reason {why}
    not_begun: str
    #: what is said where it was sent, never arrived, and cannot start any more
    never_started: str
    #: what is said to a person who settles the job too early
    still_runs: str


def attempt_name(ctx: Context, number: int) -> str:
    """The name of the *number*-th attempt of this job; no other bot or job has it."""
    return f"{ctx.site_id[:8]}-{ctx.job.id}-{number}"


async def send_once(host: Host, attempt: str, words: tuple[str, ...]) -> None:
    """Start *words*; where it is not known whether they arrived, follow the attempt all the same.

    Raises `DeviceError` or `Failed` where they certainly did not.
    """
    try:
        await host.launcher.start(attempt, words)
    except StoreError as error:
        # what cannot be recorded is not sent
        raise Failed(str(error), hint=error.hint) from error
    except (OutcomeUnknown, Refused):
        return


async def follow_to_end(ctx: Context, errand: Errand) -> Detached:
    """Wait until the detached command has ended, showing how far it is.

    A command that never arrived is barred, so that it can never start later; then the phase is
    `Phase.BARRED`.  Raises `OutcomeUnknown` when the host is silent for longer than the patience.
    """
    launcher, loop = errand.host.launcher, asyncio.get_running_loop()
    heard = loop.time()
    ask: Callable[[str], Awaitable[Detached]] = launcher.look
    while True:
        try:
            state = await ask(errand.attempt)
            heard = loop.time()
            if state.phase is Phase.ABSENT:
                ask = launcher.bar
                continue
            if state.phase is not Phase.RUNNING:
                await ctx.returned(errand.host, errand.attempt, state)
                return state
            ask = launcher.look
            await ctx.progress(await errand.stage())
        except (DeviceError, OutcomeUnknown, StoreError) as error:
            await _be_patient(ctx, errand, error, loop.time() - heard)
        await asyncio.sleep(ctx.timing.follow_every)


async def _be_patient(ctx: Context, errand: Errand, error: Exception, silent: float) -> None:
    if silent > ctx.timing.follow_patience:
        raise OutcomeUnknown(
            _("{host} has not answered for {time}; what runs there may go on: {title}.").format(
                host=errand.host, time=duration(silent), title=errand.title
            ),
            hint=how_to_settle(ctx),
        ) from error
    await ctx.progress(
        _("{title}: {host} gives no news ({why}); what runs there goes on by itself").format(
            title=errand.title, host=errand.host, why=error
        )
    )


def how_to_settle(ctx: Context) -> str:
    """The next step for a job whose end is not known."""
    return _("Its locks stay. When the hosts answer again: {prefix}job settle {job}").format(
        prefix=ctx.prefix, job=ctx.job.id
    )
