"""Following a migration that runs detached on its source, and telling what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from bot.core.units import Size
from bot.devices.host import Detached, Host, Phase
from bot.devices.xen import Domain, Kind, MigrationOutcome
from bot.engine.census import Census, settle, take
from bot.engine.context import Context
from bot.engine.following import Errand, how_to_settle
from bot.errors import DeviceError, Failed, OutcomeUnknown
from bot.i18n import _


@dataclass(frozen=True)
class Move:
    """One attempt to move a guest, as noted before it was sent; enough to find it again."""

    guest: str
    uuid: str
    source: Host
    target: Host
    #: the name of the detached command on the source
    attempt: str
    memory: Size
    #: counts the attempts of one job, from 1
    number: int = 1

    @property
    def errand(self) -> Errand:
        values = {"guest": self.guest, "source": self.source}
        return Errand(
            guest=self.guest,
            host=self.source,
            attempt=self.attempt,
            words=self.source.toolstack.migrate_words(self.guest, self.target.address),
            title=_("move {guest} to {target}").format(guest=self.guest, target=self.target),
            stage=partial(_stage, self),
            not_begun=_("The move was not begun: {why}"),
            never_started=_(
                "The move never started on {source}, and now it cannot any more."
            ).format(**values),
            still_runs=_("The move of {guest} still runs on {source}.").format(**values),
        )


async def _stage(move: Move) -> str:
    """What can be seen of the move now: measured, never invented."""
    values = {"guest": move.guest, "target": move.target}
    try:
        there = await move.target.toolstack.domains()
    except DeviceError:
        return _("moving {guest}: {target} does not answer").format(**values)
    for domain in there:
        if domain.plain_name == move.guest and domain.half_moved:
            return _growth(move, domain.memory)
    for domain in await move.source.toolstack.domains():
        if domain.uuid == move.uuid and domain.kind is Kind.SUSPENDED:
            return _("moving {guest}: stopped for the last pages, handing over to {target}").format(
                **values
            )
    return _("moving {guest} to {target}").format(**values)


def _growth(move: Move, arrived: Size) -> str:
    if arrived >= move.memory:
        return _("moving {guest}: its memory is on {target}, handing over").format(
            guest=move.guest, target=move.target
        )
    return _("moving {guest}: {percent} %, {arrived} of {memory} are on {target}").format(
        guest=move.guest,
        percent=int(arrived) * 100 // int(move.memory),
        arrived=arrived,
        memory=move.memory,
        target=move.target,
    )


async def conclude(
    ctx: Context, move: Move, state: Detached | None, *, settling: bool = False
) -> Domain:
    """The guest as it runs on the target, and only there, by a census of every host.

    Raises `Failed` when it certainly does not, and `OutcomeUnknown` whenever that cannot be said.
    *settling*: what the toolstack said then no longer counts, only what is seen now.
    """
    said = None
    if state is not None and state.phase is Phase.ENDED:
        said = move.source.toolstack.read_migration(state.exit or 0, state.stdout, state.stderr)
    census = await _census(ctx, move, once=settling)
    if census.moving:
        raise OutcomeUnknown(
            _("It cannot be said yet where {guest} is: {why}.").format(
                guest=move.guest, why=census.moving
            ),
            hint=how_to_settle(ctx),
        )
    if said is not None and said.undefined and not settling:
        raise OutcomeUnknown(
            _("Xen itself does not know the end of this move. Seen now: {seen}").format(
                seen=census.sentence()
            ),
            hint=_("Touch nothing before you have looked at both hosts.")
            + "\n"
            + how_to_settle(ctx),
        )
    return _judge(ctx, move, census, said)


async def _census(ctx: Context, move: Move, *, once: bool) -> Census:
    """Where the guest is; *once*: a person waits for it, and can ask again."""
    try:
        hosts = tuple(ctx.world.hosts.values())
        if once:
            return await take(hosts, move.guest, move.uuid)
        return await settle(hosts, move.guest, move.uuid, ctx.timing)
    except DeviceError as error:
        raise OutcomeUnknown(
            _("It cannot be said where {guest} runs: {why}").format(guest=move.guest, why=error),
            hint=how_to_settle(ctx),
        ) from error


def _judge(ctx: Context, move: Move, census: Census, said: MigrationOutcome | None) -> Domain:
    if census.home == move.target.name:
        return census.copies[0].domain
    why = said.reason if said is not None and not said.succeeded else ""
    if census.home == move.source.name:
        message = _("{guest} was not moved and still runs on {source}.").format(
            guest=move.guest, source=move.source
        )
        raise Failed(f"{message} {why}".strip(), hint=_("Mend the cause, then send it again."))
    if not census.copies:
        raise Failed(
            _("{guest} runs on no host any more.").format(guest=move.guest),
            hint=_("Find out why before you start it anywhere."),
        )
    if len(census.whole) > 1:
        message = _("{guest} is there TWICE: {seen} Its disks are being destroyed.")
        raise OutcomeUnknown(
            message.format(guest=move.guest, seen=census.sentence()),
            hint=_("The bot touches nothing. Decide which copy dies, now.")
            + "\n"
            + how_to_settle(ctx),
        )
    raise OutcomeUnknown(
        _("{guest} is not in order: {seen}").format(guest=move.guest, seen=census.sentence()),
        hint=how_to_settle(ctx),
    )
