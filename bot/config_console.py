"""The sections of the configuration about consoles, and about servers that do not answer."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bot.config_section import Port, Section
from bot.config_values import (
    Address,
    LightsOutDriver,
    LocalFile,
    Name,
    PrivateFile,
    Seconds,
    Secret,
    Word,
    Wrong,
    shown,
)
from bot.core.redaction import DEFAULTS
from bot.i18n import _

__all__ = ["CONSOLE_LOG", "Console", "ConsoleLogPath", "LightsOut"]


#: where xenconsoled writes with ``--log=guest`` (xen tools/console/daemon/io.c)
CONSOLE_LOG = "/var/log/xen/console/guest-{name}.log"


def _log_path(path: str) -> str:
    if not path.startswith("/") or path.count("{name}") != 1 or ".." in path:
        raise Wrong(
            _("{path} is not a path with {{name}} in it").format(path=shown(path)),
            _("write it like {path}").format(path=CONSOLE_LOG),
        )
    return path


ConsoleLogPath = Annotated[Word, AfterValidator(_log_path)]


def _expression(text: str) -> str:
    try:
        found = re.compile(text)
    except re.error as error:
        raise Wrong(
            _("{text} is not a regular expression ({why})").format(text=shown(text), why=error),
            _("mend it; Python's documentation of re says how they are written"),
        ) from None
    if found.match(""):
        raise Wrong(
            _("{text} matches nothing at all").format(text=shown(text)),
            _("let it match at least one sign"),
        )
    return text


Expression = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_expression)]


class Console(Section):
    """How consoles are read, and what of them is shown."""

    #: what is blacked out, in text and in pictures: the groups of an expression, or all of it
    redact: list[Expression] = [*DEFAULTS]
    #: where pictures are posted
    pictures: Literal["encrypted", "always", "never"] = "encrypted"
    #: after which pictures are taken back, and forgotten
    keep: Seconds = 7 * 86400.0
    #: how long a console is listened to that has no log
    listen: Seconds = 2.0
    #: between two looks of `!console NAME --watch`
    watch_every: Seconds = 3.0
    #: how long such a watch may last at most
    watch_longest: Seconds = 600.0


class LightsOut(Section):
    """The lights-out processor of a Dom0 and how the bot logs in there."""

    driver: LightsOutDriver = "ilo"
    address: Address
    port: Port = 22
    user: Name
    password: Secret | None = None
    key_file: PrivateFile | None = None
    known_hosts: LocalFile
    #: the serial number of its server; without it nothing is changed
    serial: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,40}$")] = ""
    #: whether it may speak the ssh of old: SHA-1, group 1, CBC, DSA
    old_algorithms: bool = False

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.password is None) == (self.key_file is None):
            raise Wrong(
                _("the bot logs in with a password or with a key"),
                _("write exactly one of the two keys, password or key_file"),
            )
        return self
