"""What the configuration says of who may do what: put together, and held against the commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel

from bot.config import Config, load
from bot.config import Policy as PolicyConfig
from bot.config_file import Loc, Problem, Source, dotted, instead
from bot.core.alerts import Severity
from bot.core.approvals import Approvals, Need
from bot.core.calling import EVERYBODY, Call, Calling
from bot.core.clocks import Thresholds
from bot.core.command import Registry
from bot.core.fitting import Misfit, misfits
from bot.core.policy import Policy, Right, Role
from bot.core.risk import Risk
from bot.core.rooms import LOCAL
from bot.core.text import did_you_mean
from bot.core.watch import Watch
from bot.engine.clocks import ClockRules
from bot.engine.consoles import ConsoleRules
from bot.engine.reload import Fresh
from bot.errors import ConfigError
from bot.i18n import _
from bot.screen import fonts


def policy_of(config: PolicyConfig) -> Policy:
    """Members, roles and rights as the config has them."""
    chat_ids = {each: name for name, member in config.members.items() for each in member.ids}
    at_home = {
        f"{LOCAL}{user}": name
        for name, member in config.members.items()
        for user in member.os_users
    }
    return Policy(
        persons=chat_ids | at_home,
        roles={name: tuple(member.roles) for name, member in config.members.items()},
        rights={
            name: Role(
                tuple(map(Right.parse, role.allow)),
                tuple(map(Right.parse, role.deny)),
            )
            for name, role in config.roles.items()
        },
    )


def approvals_of(config: PolicyConfig) -> Approvals:
    """Who has to agree to what, as the config has it."""
    said = config.approvals
    by_risk = {
        Risk.CHANGES: Need[said.changes.upper()],
        Risk.INTERRUPTS: Need[said.interrupts.upper()],
        Risk.DESTROYS: Need[said.destroys.upper()],
    }
    return Approvals(
        by_risk=by_risk,
        also=tuple((Right.parse(right), Need[need.upper()]) for right, need in said.also.items()),
        reactions=frozenset(Risk[risk.upper()] for risk in said.reactions),
        plaintext=said.allow_plaintext_approvals,
        expire=said.expire,
        break_glass=said.break_glass,
    )


def calling_of(config: Config) -> Calling:
    """Who is called about alerts, as the config has it."""
    said = config.alerts
    calls = {
        Severity.CRITICAL: said.critical,
        Severity.WARNING: said.warning,
        Severity.INFO: said.info,
    }
    return Calling(
        {
            severity: Call(tuple(call.mention), call.repeat, tuple(call.then))
            for severity, call in calls.items()
        },
        messages_a_minute=said.messages_a_minute,
        comes_back=said.comes_back,
    )


def console_of(config: Config) -> ConsoleRules:
    """How consoles are read, as the config has it.

    Raises `ConfigError` where pictures are wanted and their font is not installed: a migration
    that has begun is no place to find that out.
    """
    said = config.console
    if said.pictures != "never":
        fonts.load()
    return ConsoleRules(
        tuple(map(re.compile, said.redact)),
        said.pictures,
        said.keep,
        said.listen,
        said.watch_every,
        said.watch_longest,
    )


def clock_rules_of(config: Config) -> ClockRules:
    """How clocks are measured, judged and mended, as the config has it."""
    said = config.clock
    return ClockRules(
        reference=said.reference.address if said.reference is not None else "",
        probes=said.probes,
        at_once=said.at_once,
        thresholds=Thresholds(said.notice, said.trouble, said.disaster),
        ahead=said.ahead,
        keep=said.keep,
        slew_below=said.slew_below,
        may_step=said.step,
        may_restart=said.restart,
        patience=said.patience,
        sweep=said.sweep,
        limit=config.migrate.clock_limit,
        behind=config.migrate.clock_behind,
    )


def watches_of(config: Config, known: Sequence[Watch]) -> tuple[Watch, ...]:
    """Those of the *known* watches that the config leaves on, as often as it says.

    Raises `ConfigError` where it names another.
    """
    by_name = {each.name: each for each in known}
    for name in config.watches:
        if name not in by_name:
            raise ConfigError(
                _("there is no watch {name}").format(name=name),
                hint=did_you_mean(name, by_name)
                or _("there are: {names}").format(names=", ".join(by_name)),
            )
    said = config.watches
    return tuple(
        replace(each, every=said[each.name].every or each.every) if each.name in said else each
        for each in known
        if each.name not in said or said[each.name].enabled
    )


def strange_watches(path: Path, config: Config, known: Sequence[Watch]) -> list[Problem]:
    """The watches that *config*, which was read from *path*, names and that there are not."""
    source, names = Source.read(path), [each.name for each in known]
    return [
        Problem(
            source.line(("watches", name)),
            dotted(("watches", name)),
            _("there is no watch {name}").format(name=name),
            instead(name, names),
        )
        for name in config.watches
        if name not in names
    ]


def strange_calls(path: Path, config: Config) -> list[Problem]:
    """Whom *config*, which was read from *path*, calls about alerts though nobody is called so."""
    source, names = Source.read(path), [EVERYBODY, *config.roles, *config.members]
    said = config.alerts
    calls = {"critical": said.critical, "warning": said.warning, "info": said.info}
    return [
        Problem(
            source.line(("alerts", severity, key, place)),
            dotted(("alerts", severity, key, place)),
            _("{name} is no role and no member").format(name=name),
            instead(name, names),
        )
        for severity, call in calls.items()
        for key, chosen in (("mention", call.mention), ("then", call.then))
        for place, name in enumerate(chosen)
        if name not in names
    ]


@dataclass(frozen=True)
class Fit:
    """How the rights of a configuration fit its commands, each with its line."""

    #: rights that mean nothing
    wrong: list[Problem] = field(default_factory=list)
    #: what may be meant for a later version
    notices: list[Problem] = field(default_factory=list)


def fit(path: Path, config: PolicyConfig, registry: Registry) -> Fit:
    """Hold the rights of *config*, which was read from *path*, against the commands."""
    source = Source.read(path)
    found = Fit()
    for loc, text in _rights(config):
        right = Right.parse(text)
        for misfit in (*misfits(right, registry), *_strange_rooms(right, config)):
            place = found.wrong if misfit.wrong else found.notices
            place.append(_problem(source, loc, text, misfit))
    return found


def _strange_rooms(right: Right, config: PolicyConfig) -> Iterator[Misfit]:
    """Rooms of *right* that a whole configuration does not name, or names otherwise."""
    rooms = config.rooms if isinstance(config, Config) else None
    if rooms is None:
        return
    known = [name for name in dict.fromkeys((rooms.main, rooms.audit, *rooms.commands)) if name]
    for pattern in right.rooms:
        if not any(fnmatchcase(name, pattern) for name in known):
            yield Misfit(
                _("no room is called {room}").format(room=pattern),
                _("write one as it stands below rooms: {known}").format(known=", ".join(known)),
            )


def demand_fit(path: Path, config: PolicyConfig, registry: Registry) -> list[Problem]:
    """The notices of `fit`; raises `ConfigError` where a right means nothing."""
    found = fit(path, config, registry)
    if found.wrong:
        raise ConfigError(
            _("the configuration {path} is wrong: {problem}").format(
                path=path, problem=found.wrong[0]
            ),
            hint=_("nounou check-config {path} shows every error").format(path=path),
        )
    return found.notices


def read_again(path: Path, started: Config, registry: Registry) -> Fresh:
    """What *path* says now, for a bot that was *started* with it; raises `ConfigError`."""
    config = load(path)
    notices = demand_fit(path, config, registry)
    return Fresh(
        policy_of(config),
        approvals_of(config),
        later=tuple(_changed_elsewhere(started, config)),
        notices=tuple(map(str, notices)),
    )


def _rights(config: PolicyConfig) -> Iterator[tuple[Loc, str]]:
    """Each right, and where it stands."""
    for name, role in config.roles.items():
        for key, rights in (("allow", role.allow), ("deny", role.deny)):
            yield from ((("roles", name, key, n), right) for n, right in enumerate(rights))
    yield from ((("approvals", "also", right), right) for right in config.approvals.also)


def _problem(source: Source, loc: Loc, text: str, misfit: Misfit) -> Problem:
    what = _("in '{right}', {what}").format(right=text, what=misfit.what)
    return Problem(source.line(loc), dotted(loc), what, misfit.remedy)


def _changed_elsewhere(before: Config, after: Config) -> Iterator[str]:
    """The keys that differ and that only a start takes over; no value of them is ever shown."""
    for key in Config.model_fields:
        if key in PolicyConfig.model_fields:
            continue
        old, new = getattr(before, key), getattr(after, key)
        if isinstance(old, BaseModel) and isinstance(new, BaseModel):
            old, new = dict(old), dict(new)
        if isinstance(old, dict) and isinstance(new, dict):
            parts = sorted(old.keys() | new.keys())
            yield from (f"{key}.{part}" for part in parts if old.get(part) != new.get(part))
        elif old != new:
            yield key
