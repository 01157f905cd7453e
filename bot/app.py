"""The composition root: it alone knows every concrete class, with `bot.app_world`."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import structlog

from bot import __version__
from bot.app_world import world_of
from bot.chat import local
from bot.chat.switchboard import Switchboard
from bot.config import Config
from bot.config import MatrixChat as MatrixConfig
from bot.core.audit import Entry, Verdict
from bot.core.chat import Chat
from bot.core.command import Registry
from bot.core.own import Own
from bot.core.pulse import Pulse
from bot.core.rooms import Rooms
from bot.core.tally import Tally
from bot.core.watch import Watch, watches_in
from bot.core.witness import Hearing, Witness, compare
from bot.engine import audit_file, witness
from bot.engine.dispatcher import Dispatcher
from bot.engine.engine import Engine
from bot.engine.inbox import Inbox
from bot.engine.inventory import Inventory
from bot.engine.outbox import Outbox
from bot.engine.owners import Owners
from bot.engine.pins import Pins
from bot.engine.reload import record_policy
from bot.engine.store import Store
from bot.engine.world import Timing
from bot.errors import BotError, ConfigError
from bot.i18n import _
from bot.notify import told_to_systemd
from bot.plugins import modules_in
from bot.policies import (
    approvals_of,
    calling_of,
    clock_rules_of,
    console_of,
    demand_fit,
    policy_of,
    read_again,
    watches_of,
)

log = structlog.get_logger()

#: who writes under a chat id; None for who is no member
PersonOf = Callable[[str], str | None]


def run(config: Config, path: Path) -> int:
    """Run the bot until it is told to stop; returns the exit status of the process.

    *path* is the file of *config*, which `!config reload` reads again.

    Raises `BotError` where something ends it that a person has to mend.
    """
    try:
        asyncio.run(_run(config, path))
    except BaseExceptionGroup as group:
        told, others = group.split(BotError)
        if told is None or others is not None:
            raise
        raise _first_in(told) from group
    return 0


def _first_in(group: BaseExceptionGroup[BotError]) -> BotError:
    first = group.exceptions[0]
    return _first_in(first) if isinstance(first, BaseExceptionGroup) else first


def verify_audit(state: Path) -> Verdict:
    """Whether the record in *state* is whole; raises `StoreError` where it cannot be read."""
    return audit_file.verify(state)


def hear_audit(state: Path, witnesses: Sequence[Witness]) -> Hearing:
    """Whether the record in *state* agrees with *witnesses*; raises as `verify_audit`."""
    numbers = [each.number for each in witnesses]
    return compare(witnesses, audit_file.hashes(state, numbers))


def read_audit(state: Path, after: int | None) -> Iterator[Entry]:
    """The entries of the record in *state* after number *after*; raises as `verify_audit`."""
    return audit_file.entries_after(state, after)


def registry_of(packages: list[str]) -> Registry:
    """The commands of *packages*; one that declares no right stops the start.

    Raises `ConfigError`, for that and for whatever else is wrong with a command.
    """
    registry = Registry()
    for package in packages:
        try:
            registry.add_from(modules_in(package))
        except (ImportError, SyntaxError, TypeError, RuntimeError) as error:
            raise ConfigError(
                _("the commands of the package {package} cannot be used: {why}").format(
                    package=package, why=error
                ),
                hint=_("mend the package, or take it out of the key commands"),
            ) from error
    return registry


def known_watches() -> list[Watch]:
    """Every watch that there is."""
    return watches_in(modules_in("bot.watch"))


def rooms_of(config: Config) -> Rooms:
    """The rooms of the config, and which commands each takes."""
    taken = {room: tuple(verbs) for room, verbs in config.rooms.commands.items()}
    return Rooms(config.rooms.main, config.rooms.audit, taken)


async def _run(config: Config, path: Path) -> None:
    registry = registry_of(config.commands)
    for notice in demand_fit(path, config, registry):
        log.warning("odd in the configuration", where=str(path), what=str(notice))
    pulse, tally = Pulse(time.monotonic), Tally()
    async with (
        told_to_systemd(pulse),
        _store(config) as store,
        world_of(config, store, tally) as world,
    ):
        pins = Pins(store, time.time)
        # a member is who is one now; nobody is asked for before there is an engine
        async with _chat(
            config, lambda chat_id: engine.policy.person(chat_id), pins, pulse
        ) as chat:
            engine = Engine(
                store=store,
                chat=chat,
                outbox=Outbox(
                    store, chat, edit_every=config.timing.progress_every, clock=time.time
                ),
                registry=registry,
                policy=policy_of(config),
                world=world,
                inventory=Inventory(world, time.time),
                owners=Owners(store.site_id),
                pins=pins,
                timing=timing_of(config),
                clock=time.time,
                prefix=config.prefix,
                rooms=rooms_of(config),
                approvals=approvals_of(config),
                reload=lambda: asyncio.to_thread(read_again, path, config, registry),
                watches=watches_of(config, known_watches()),
                calling=calling_of(config),
                reports=config.incidents.folder or config.state / "incidents",
                timezone=config.timezone,
                console=console_of(config),
                # another than the loop's: ntpd and its kind turn that one, too (clock_gettime(2))
                steady=partial(time.clock_gettime, time.CLOCK_MONOTONIC_RAW),
                clock_rules=clock_rules_of(config),
                tally=tally,
                pulse=pulse,
                own=Own(config.own.bot or "", config.own.homeserver or ""),
                audit_room=config.rooms.audit,
                post_head_every=config.record.post_head_every,
                command_bytes=config.limits.command_bytes,
                trust=config.chat.trust if isinstance(config.chat, MatrixConfig) else "any",
                version=__version__,
                started=time.time(),
            )
            await record_policy(engine)
            async with _programs(config, engine):
                await serve(engine, config.rooms.main, stop=config.timing.stop)


def _programs(config: Config, engine: Engine) -> AbstractAsyncContextManager[object]:
    """The server for other programs, where there is to be one."""
    http = config.http
    if http is None:
        return nullcontext()
    # aiohttp takes half a second to import, which a bot without this server does not need
    from bot.http.server import Listening, listening

    metrics = http.metrics_token
    where = Listening(
        address=http.listen,
        port=http.port,
        tokens={name: token.get_secret_value() for name, token in http.tokens.items()},
        metrics_token=None if metrics is None else metrics.get_secret_value(),
        body_bytes=http.body_bytes,
        requests_a_minute=http.requests_a_minute,
        patience=config.timing.command,
        stop=config.timing.stop,
    )
    return listening(engine, where)


async def serve(engine: Engine, main_room: str, *, stop: float) -> None:
    """Run all loops of *engine* until the chat ends or the task is cancelled.

    On the way out what is queued to be said gets *stop* seconds; jobs that run are found again.
    """
    inbox = Inbox(engine, main_room)
    since = await inbox.since()
    dispatcher = Dispatcher(engine, inbox, main_room)
    async with asyncio.TaskGroup() as talking:
        speaking = talking.create_task(engine.outbox.run())
        try:
            async with asyncio.TaskGroup() as group:
                working = group.create_task(dispatcher.run())
                typing = group.create_task(engine.typing.run())
                group.create_task(engine.inventory.refresh())
                posting = group.create_task(witness.keep_posting(engine))
                await engine.chat.run(inbox.take, since)
                working.cancel()
                typing.cancel()
                posting.cancel()
        finally:
            await _say_the_rest(engine, stop)
            speaking.cancel()


async def _say_the_rest(engine: Engine, stop: float) -> None:
    try:
        async with asyncio.timeout(stop):
            await witness.post_head(engine)
            await engine.outbox.settled()
        everything = not engine.outbox.failing
    except TimeoutError:
        everything = False
    if not everything:
        log.warning("not everything was said; it is said at the next start")


def timing_of(config: Config) -> Timing:
    """The engine's share of the config's timing."""
    timing = config.timing
    return Timing(
        follow_every=timing.follow_every,
        follow_patience=timing.follow_patience,
        census_every=timing.census_every,
        census_patience=timing.census_patience,
        resume_within=timing.resume_within,
        away=timing.away,
        patience=timing.patience,
        power=timing.power,
        connect=timing.connect,
    )


@asynccontextmanager
async def _store(config: Config) -> AsyncIterator[Store]:
    store = Store(config.state, busy_timeout=config.timing.command)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _chat(
    config: Config, person_of: PersonOf, pins: Pins, pulse: Pulse
) -> AsyncIterator[Chat]:
    chat: Chat
    if isinstance(config.chat, MatrixConfig):
        chat = Switchboard(
            _matrix(config, config.chat, person_of, pins, pulse), _local(config, person_of)
        )
    else:
        # there is no homeserver that could be silent
        pulse.heard()
        pulse.back_within(math.inf)
        from bot.chat.terminal import ALIVE_EVERY, TerminalChat, standard_streams

        reader, writer = await standard_streams()
        timing = config.timing
        chat = TerminalChat(
            reader,
            writer,
            request_timeout=timing.command,
            # several times within the absence that would count as one
            alive_every=min(ALIVE_EVERY, timing.away / 4),
        )
        if config.local.socket is not None:
            chat = Switchboard(chat, _local(config, person_of))
    try:
        yield chat
    finally:
        await chat.close()


def _local(config: Config, person_of: PersonOf) -> local.LocalChat:
    return local.LocalChat(
        config.socket,
        config.state / "local",
        person_of,
        prefix=config.prefix,
        request_timeout=config.timing.command,
    )


def _matrix(
    config: Config, chat: MatrixConfig, person_of: PersonOf, pins: Pins, pulse: Pulse
) -> Chat:
    # matrix-nio takes a second to import, which the terminal does not need
    from bot.chat.matrix import MatrixChat
    from bot.chat.matrix_login import Credentials

    return MatrixChat(
        chat.homeserver,
        Credentials(
            chat.user,
            chat.password.get_secret_value() if chat.password else None,
            chat.token.get_secret_value() if chat.token else None,
            chat.device_name,
        ),
        [config.rooms.main, config.rooms.audit, *config.rooms.commands],
        config.state,
        lambda chat_id: person_of(chat_id) is not None,
        pins.holds,
        private=config.rooms.private,
        trust_any=chat.trust == "any",
        sync_timeout=chat.sync_timeout,
        request_timeout=chat.request_timeout,
        pulse=pulse,
    )
