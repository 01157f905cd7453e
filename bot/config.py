"""The configuration: pydantic models of the YAML file, in which unknown keys are refused.

`load` gives the whole configuration, `load_policy` the members and roles alone, `load_place` where
the bot is on its host, `problems` every error with its line.  ``config.example.yaml`` and
``docs/config.md`` describe the keys.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.config_alerts import Alerts, Http, Incidents, Watch
from bot.config_clock import Clock, Guest, Migrate
from bot.config_console import CONSOLE_LOG, Console, ConsoleLogPath, LightsOut
from bot.config_file import Problem, Source, sort_out
from bot.config_section import Port, Section
from bot.config_values import (
    Address,
    ArrayDriver,
    BelowHome,
    Homeserver,
    Language,
    LocalFile,
    LocalPath,
    MatrixId,
    Name,
    OsUser,
    Package,
    Pattern,
    Prefix,
    PrivateFile,
    Right,
    Room,
    Seconds,
    Secret,
    Several,
    Timezone,
    ToolstackDriver,
    Verbs,
    Word,
    Wrong,
    shown,
)
from bot.errors import ConfigError
from bot.i18n import _

__all__ = ["Config", "Policy", "Problem", "load", "load_place", "load_policy", "problems"]


class TerminalChat(Section):
    """The chat of `nounou demo --terminal`: JSON lines on standard input and output."""

    kind: Literal["terminal"]


class MatrixChat(Section):
    """A Matrix homeserver and the account that the bot uses there."""

    kind: Literal["matrix"]
    homeserver: Homeserver
    user: MatrixId
    device_name: str = "nounou"
    password: Secret | None = None
    token: Secret | None = None
    sync_timeout: Seconds = 30.0
    request_timeout: Seconds = 30.0
    #: whose devices are believed in encrypted rooms
    trust: Literal["cross-signed", "any"] = "cross-signed"

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.password is None) == (self.token is None):
            raise Wrong(
                _("the bot logs in with a password or with a token"),
                _("write exactly one of the two keys, password or token"),
            )
        return self


class Rooms(Section):
    """Where the bot listens and where it keeps the record in sight; it joins no other room."""

    main: Room
    #: the lines of the record go here; the main room where nothing is said
    audit: Room = ""
    #: which commands may be used in a room, by patterns of their verbs; all of them elsewhere.
    #: A room that is named only here is joined too
    commands: dict[Room, list[Verbs]] = {}
    #: whether a member may take the bot aside, to a room of two, for questions that change nothing
    private: bool = False

    @model_validator(mode="before")
    @classmethod
    def _audit_in_main(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("main"), str):
            return {"audit": data["main"], **data}
        return data


class Host(Section):
    """A Dom0 and how the bot logs in there."""

    address: Address
    port: Port = 22
    user: Name
    key_file: PrivateFile
    known_hosts: LocalFile
    toolstack: ToolstackDriver = "xl"
    #: how the other Dom0s reach it for a migration; its name where nothing is said
    migration_address: Address = ""
    #: the site's script that looks for volumes and keeps the links /dev/NAME
    update_script: Annotated[list[Word], Field(min_length=1)] = [
        "sudo",
        "/usr/scripts/gestion/iscsi/update.sh",
    ]
    jobs_folder: BelowHome = ".nounou/jobs"
    owner_file: BelowHome = ".nounou/owner"
    #: where it keeps what the consoles of its guests print, with {name} for the guest
    console_log: ConsoleLogPath = CONSOLE_LOG
    #: the way in when it does not answer
    lights_out: LightsOut | None = None


class Array(Section):
    """A storage array and how the bot logs in there."""

    driver: ArrayDriver = "msa"
    address: Address
    port: Port = 23
    user: Name
    password: Secret
    #: volumes that no command may ever change, as patterns of their names
    protected: list[Pattern] = []


class Member(Section):
    """A person: who they are in the chat, and which roles they have."""

    ids: Annotated[list[MatrixId], Field(min_length=1)]
    roles: list[Name] = []
    #: their users on the bot's own host, for `nounou chat`
    os_users: list[OsUser] = []


class Role(Section):
    """What a role may do; what is denied wins."""

    allow: list[Right] = []
    deny: list[Right] = []


AtLeastConfirmed = Literal["confirm", "second"]


class Approvals(Section):
    """Which commands wait for their asker's confirmation, or for a second person's approval."""

    changes: Literal["none", "confirm", "second"] = "none"
    interrupts: Literal["none", "confirm", "second"] = "confirm"
    destroys: AtLeastConfirmed = "second"
    #: what else has to wait, by rights; the strictest counts
    also: dict[Right, AtLeastConfirmed] = {}
    #: classes for which a reaction is as good as a code; what destroys is never among them
    reactions: list[Literal["changes", "interrupts"]] = []
    #: whether what destroys may be approved in a room that is not encrypted
    allow_plaintext_approvals: bool = False
    #: how long a request can be answered
    expire: Seconds = 900.0
    #: for how long somebody may go without the second person
    break_glass: Seconds = 3600.0


class Record(Section):
    """The record of what was asked and done."""

    #: how often its head is posted in the audit room, where it has grown
    post_head_every: Seconds = 3600.0


class Timing(Section):
    """How long the bot waits, in seconds."""

    connect: Seconds = 10.0
    command: Seconds = 30.0
    resync: Seconds = 120.0
    follow_every: Seconds = 2.0
    census_every: Seconds = 2.0
    census_patience: Seconds = 120.0
    follow_patience: Seconds = 300.0
    resume_within: Seconds = 600.0
    away: Seconds = 120.0
    patience: Seconds = 2.0
    progress_every: Seconds = 1.0
    stop: Seconds = 10.0
    power: Seconds = 120.0


class Local(Section):
    """`nounou chat`: the same commands on the bot's own host, when the homeserver is down."""

    #: the socket; in the state folder where nothing is said
    socket: LocalPath | None = None


class Own(Section):
    """The DomUs that the bot itself depends on, which no command of it may stop or move."""

    #: in which the bot runs
    bot: Name | None = None
    #: in which its homeserver runs
    homeserver: Name | None = None


class Limits(Section):
    """How much the bot takes in."""

    command_bytes: Annotated[int, Field(ge=64, le=65536)] = 2048


class Policy(Section):
    """Who may do what."""

    roles: dict[Name, Role]
    members: dict[Name, Member]
    approvals: Approvals = Approvals()

    @field_validator("members")
    @classmethod
    def _members_fit(cls, members: dict[str, Member], info: ValidationInfo) -> dict[str, Member]:
        wrong = [*_ids_given_twice(members)]
        if "roles" in info.data:
            wrong += _roles_not_declared(members, info.data["roles"])
        if wrong:
            raise Several(wrong)
        return members


def _roles_not_declared(members: dict[str, Member], roles: Container[str]) -> Iterator[Wrong]:
    for person, member in members.items():
        for index, role in enumerate(member.roles):
            if role not in roles:
                yield Wrong(
                    _("the role {role} is not declared").format(role=shown(role)),
                    _("declare it below roles, or give {person} another").format(person=person),
                    at=(person, "roles", index),
                )


def _ids_given_twice(members: dict[str, Member]) -> Iterator[Wrong]:
    owner: dict[str, str] = {}
    for person, member in members.items():
        for key, names in (("ids", member.ids), ("os_users", member.os_users)):
            for index, name in enumerate(names):
                if name in owner:
                    yield Wrong(
                        _("{chat_id} is {person} already").format(chat_id=name, person=owner[name]),
                        _("give each Matrix id and each Unix user to one person, once"),
                        at=(person, key, index),
                    )
                owner.setdefault(name, person)


class Place(Section):
    """Where the bot is on its own host: all that a person's client there needs to know."""

    language: Language = "en"
    #: in which reports give the time, beside UTC
    timezone: Timezone = "UTC"
    state: LocalPath
    local: Local = Local()

    @property
    def socket(self) -> Path:
        """Where `nounou chat` reaches the bot."""
        return self.local.socket or self.state / "chat.sock"


class Config(Place, Policy):
    """Everything that the bot is told before it starts."""

    site: Name
    prefix: Prefix = "!"
    commands: Annotated[list[Package], Field(min_length=1)] = ["commands"]
    chat: Annotated[MatrixChat | TerminalChat, Field(discriminator="kind")]
    rooms: Rooms
    hosts: Annotated[dict[Name, Host], Field(min_length=1)]
    arrays: dict[Name, Array] = {}
    #: DomUs that the bot can get into
    guests: dict[Name, Guest] = {}
    timing: Timing = Timing()
    limits: Limits = Limits()
    own: Own = Own()
    record: Record = Record()
    alerts: Alerts = Alerts()
    incidents: Incidents = Incidents()
    #: None: no program is listened to
    http: Http | None = None
    #: by the name of the watch
    watches: dict[Name, Watch] = {}
    console: Console = Console()
    clock: Clock = Clock()
    migrate: Migrate = Migrate()

    @model_validator(mode="after")
    def _listens_often_enough(self) -> Self:
        if isinstance(self.chat, MatrixChat) and self.timing.away <= self.chat.sync_timeout:
            raise Several(
                [
                    Wrong(
                        _("the bot would count as away while it listens"),
                        _("make timing.away longer than chat.sync_timeout"),
                        at=("timing", "away"),
                    )
                ]
            )
        return self

    @field_validator("hosts")
    @classmethod
    def _each_host_once(cls, hosts: dict[str, Host]) -> dict[str, Host]:
        wrong = [*_places_given_twice(hosts)]
        if wrong:
            raise Several(wrong)
        return {name: _called(host, name) for name, host in hosts.items()}


def _places_given_twice(hosts: dict[str, Host]) -> Iterator[Wrong]:
    seen: dict[tuple[str, int], str] = {}
    for name, host in hosts.items():
        place = (host.address, host.port)
        if place in seen:
            yield Wrong(
                _("{host} has this address and this port already").format(host=seen[place]),
                _("name each Dom0 once: two names would count its guests twice"),
                at=(name, "address"),
            )
        seen.setdefault(place, name)


def _called(host: Host, name: str) -> Host:
    """*host* with the address that the others use for a migration."""
    return host if host.migration_address else host.model_copy(update={"migration_address": name})


P = TypeVar("P", bound=Section)


def load(path: Path) -> Config:
    """The configuration in the file *path*; raises `ConfigError`."""
    return _loaded(path, Config)


def load_policy(path: Path) -> Policy:
    """The members and roles in *path*, which may be a whole configuration; raises `ConfigError`."""
    return _loaded(path, Policy)


def load_place(path: Path) -> Place:
    """Where the bot of *path* is, read without its secrets; raises `ConfigError`."""
    return _loaded(path, Place)


def problems(path: Path, model: type[Section] = Config) -> list[Problem]:
    """Every error in *path* read as *model*, in the order of its lines."""
    return _read(path, model)[1]


def _loaded(path: Path, model: type[P]) -> P:
    value, wrong = _read(path, model)
    if value is None:
        raise ConfigError(
            _("the configuration {path} is wrong: {problem}").format(path=path, problem=wrong[0]),
            hint=_("nounou check-config {path} shows every error").format(path=path),
        )
    return value


def _read(path: Path, model: type[P]) -> tuple[P | None, list[Problem]]:
    source = Source.read(path)
    if source.problems:
        return None, source.problems
    data = source.data
    if model is not Config:
        unread = Config.model_fields.keys() - model.model_fields.keys()
        data = {key: value for key, value in data.items() if key not in unread}
    try:
        return model.model_validate(data, context={"folder": path.absolute().parent}), []
    except ValidationError as error:
        return None, sort_out(error, source, model)
