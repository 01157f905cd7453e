"""Destroying one copy of a guest: what must be true before, and what became of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from bot.devices.host import Detached, Host, Phase
from bot.devices.xen import Kind
from bot.engine.census import Census, Sighting, settle, state_in_words, take
from bot.engine.context import Context
from bot.engine.following import Errand, how_to_settle
from bot.errors import DeviceError, Failed, OutcomeUnknown, Refused
from bot.i18n import _


@dataclass(frozen=True)
class Destruction:
    """One domain that is to be destroyed, as it was seen and noted; enough to find it again."""

    guest: str
    uuid: str
    host: Host
    domid: int
    #: what it was doing when it was planned
    kind: Kind
    #: the name of the detached command on the host; empty before there is one
    attempt: str = ""
    #: counts the attempts of one job, from 1
    number: int = 0

    @property
    def errand(self) -> Errand:
        values = {"guest": self.guest, "host": self.host, "domid": self.domid}
        return Errand(
            guest=self.guest,
            host=self.host,
            attempt=self.attempt,
            words=self.host.toolstack.destroy_words(self.domid),
            title=_("destroy {guest} on {host} (domain {domid})").format(**values),
            stage=partial(_stage, self),
            not_begun=_("The destruction was not begun: {why}"),
            never_started=_(
                "The destruction never started on {host}, and now it cannot any more."
            ).format(**values),
            still_runs=_("The destruction of {guest} still runs on {host}.").format(**values),
        )


async def demand_present(it: Destruction) -> None:
    """List the host once more: the domain must still be that guest; raises `Refused`."""
    for domain in await it.host.toolstack.domains():
        same = (domain.domid, domain.uuid, domain.name) == (it.domid, it.uuid, it.guest)
        if same and domain.kind is not Kind.DYING:
            return
    raise Refused(
        _("{guest} is no longer domain {domid} of {host}, so nothing was done.").format(
            guest=it.guest, domid=it.domid, host=it.host
        )
    )


async def _stage(it: Destruction) -> str:
    for domain in await it.host.toolstack.domains():
        if domain.domid == it.domid:
            return _("destroying {guest}: {host} still lists it, {state}").format(
                guest=it.guest, host=it.host, state=state_in_words(domain)
            )
    return _("destroying {guest}: {host} lists it no more; the command has not ended").format(
        guest=it.guest, host=it.host
    )


async def conclude_destruction(
    ctx: Context, it: Destruction, state: Detached, *, settling: bool = False
) -> str:
    """Say that the domain is gone, by a census of every host.

    Raises `Failed` when it certainly is not, and `OutcomeUnknown` whenever that cannot be said.
    *settling*: a person waits, and can ask again; what is seen now counts.
    """
    census = await _census(ctx, it, once=settling)
    if census.moving:
        raise _unknown(
            ctx,
            _("It cannot be said yet what became of {guest}: {why}.").format(
                guest=it.guest, why=census.moving
            ),
        )
    if not census.copies:
        return _("{guest} is destroyed: it was on {host}, and is on no host now.").format(
            guest=it.guest, host=it.host
        )
    if len(census.copies) > 1:
        raise _not_in_order(ctx, census)
    copy = census.copies[0]
    if (copy.host, copy.domain.domid) != (it.host.name, it.domid):
        return _of_another(ctx, it, copy, settling=settling)
    raise _not_gone(ctx, it, copy, state, settling=settling)


async def _census(ctx: Context, it: Destruction, *, once: bool) -> Census:
    """Where the guest is; what is dying is waited for, unless a person waits."""
    hosts, timing = tuple(ctx.world.hosts.values()), ctx.timing
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timing.census_patience
    try:
        if once:
            return await take(hosts, it.guest, it.uuid)
        while True:
            census = await settle(hosts, it.guest, it.uuid, timing)
            dying = any(copy.domain.kind is Kind.DYING for copy in census.copies)
            if not dying or loop.time() >= deadline:
                return census
            await asyncio.sleep(timing.census_every)
    except DeviceError as error:
        message = _("It cannot be said what became of {guest}: {why}")
        raise _unknown(ctx, message.format(guest=it.guest, why=error)) from error


def _of_another(ctx: Context, it: Destruction, copy: Sighting, *, settling: bool) -> str:
    """What is said where the domain is gone, and another *copy* of the same guest is there."""
    values = {"guest": it.guest, "host": it.host, "domid": it.domid, "seen": copy}
    if settling and not copy.domain.half_moved:
        return _("Domain {domid} is gone from {host}. Seen now: {seen}").format(**values)
    message = _("Domain {domid} is gone from {host}, but {guest} is there: {seen}")
    raise _unknown(ctx, message.format(**values))


def _not_gone(
    ctx: Context, it: Destruction, copy: Sighting, state: Detached, *, settling: bool
) -> Failed | OutcomeUnknown:
    """What became of the very domain, which is still there."""
    domain, values = copy.domain, {"guest": it.guest, "host": it.host, "domid": it.domid}
    if domain.kind is Kind.DYING:
        return _unknown(
            ctx,
            _("{guest} is dying on {host} and not gone yet (domain {domid}).").format(**values),
            _("Something still holds its memory, mostly a device; start it nowhere meanwhile."),
        )
    ended = state.phase is Phase.ENDED
    stays = domain.kind is Kind.ALIVE or settling or (ended and domain.kind is it.kind)
    if domain.half_moved or domain.kind is Kind.UNKNOWN or not stays:
        return _unknown(ctx, _("{guest} is not in order: {seen}").format(guest=it.guest, seen=copy))
    said = it.host.toolstack.read_destroy(state.exit or 0, state.stdout, state.stderr)
    message = _("{guest} was not destroyed and is still on {host} ({state}).").format(
        state=state_in_words(domain), **values
    )
    return Failed(
        f"{message} {said if ended else ''}".strip(),
        hint=_("Mend the cause, then send it again."),
    )


def _not_in_order(ctx: Context, census: Census) -> OutcomeUnknown:
    return _unknown(
        ctx,
        _("{guest} is not in order: {seen}").format(guest=census.guest, seen=census.sentence()),
        _("The bot touches nothing."),
    )


def _unknown(ctx: Context, message: str, advice: str = "") -> OutcomeUnknown:
    return OutcomeUnknown(message, hint=f"{advice}\n{how_to_settle(ctx)}".strip())
