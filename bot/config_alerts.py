"""The sections of the configuration about what is noticed: alerts, incidents, http, watches."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.config_section import Port, Section
from bot.config_values import LocalPath, Name, Seconds, Secret, Wrong, shown
from bot.i18n import _

Counted = Annotated[int, Field(ge=1, le=100_000)]


class Call(Section):
    """Who is called about alerts of one severity, and how often."""

    #: roles or persons, or everybody
    mention: list[Name] = []
    #: how often they are called again until somebody acknowledges; never where nothing is said
    repeat: Seconds | None = None
    #: who is called as well from the third time on
    then: list[Name] = []


class Alerts(Section):
    """What the bot says of the troubles that it notices, or is told of."""

    critical: Call = Call(mention=["everybody"], repeat=300.0)
    warning: Call = Call(repeat=3600.0, then=["everybody"])
    info: Call = Call()
    #: how many new messages about alerts the room bears in a minute; what is more comes as one
    messages_a_minute: Counted = 6
    #: an alert that comes back within this time is the old one
    comes_back: Seconds = 300.0


class Incidents(Section):
    """Troubles that several people handle together."""

    #: where reports of them are written; in the state folder where nothing is said
    folder: LocalPath | None = None


class Http(Section):
    """Where other programs send alerts to, and ask for figures."""

    listen: str = "127.0.0.1"
    port: Port = 9469
    #: by the name of who sends: what it has to show
    tokens: dict[Name, Secret] = {}
    #: what a reader of /metrics has to show; nothing where it is not said
    metrics_token: Secret | None = None
    #: the largest body that is taken, in bytes
    body_bytes: Annotated[int, Field(ge=1024, le=64 * 2**20)] = 8 * 2**20
    #: how many requests each sender may make in a minute
    requests_a_minute: Counted = 1200

    @model_validator(mode="after")
    def _each_sender_has_its_own_token(self) -> Self:
        names: dict[str, str] = {}
        for name, token in self.tokens.items():
            other = names.setdefault(token.get_secret_value(), name)
            if other != name:
                raise Wrong(
                    _("{name} and {other} have the same token").format(name=name, other=other),
                    _("give each sender a token of its own"),
                    ("tokens", name),
                )
        return self

    @model_validator(mode="after")
    def _open_to_others_only_with_tokens(self) -> Self:
        if self.listen not in ("127.0.0.1", "::1", "localhost") and self.metrics_token is None:
            raise Wrong(
                _("everybody who reaches {address} could read the figures").format(
                    address=shown(self.listen)
                ),
                _("give http.metrics_token, or listen on 127.0.0.1"),
            )
        return self


class Watch(Section):
    """One of the things that the bot looks at by itself."""

    enabled: bool = True
    #: between two looks; the watch's own where nothing is said
    every: Seconds | None = None
