"""The values that a configuration is made of: names, durations, rights, files, secrets.

`bot.config` builds its models of them; a value that will not do raises `Wrong`, which says what to
write in its place.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo

from bot.core import policy
from bot.i18n import _
from bot.unix import USER


class Wrong(ValueError):
    """A value of the configuration that will not do, and what to write in its place."""

    def __init__(self, what: str, remedy: str, at: tuple[int | str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        #: where it stands, below the value that was being checked
        self.at = at


class Several(ValueError):
    """Several wrong values that only show when a whole section is there."""

    def __init__(self, wrongs: list[Wrong]) -> None:
        super().__init__(", ".join(wrong.what for wrong in wrongs))
        self.wrongs = wrongs


def shown(value: object) -> str:
    """*value* as a sentence quotes it: short, on one line, a text in quotes."""
    return str(value) if isinstance(value, int | float) else repr(str(value)[:60])


def _shaped(pattern: str, what: Callable[[], str], remedy: Callable[[], str]) -> AfterValidator:
    """A text of which the whole must match *pattern*; the sentences are asked for when needed."""
    shape = re.compile(pattern)

    def check(text: str) -> str:
        if shape.fullmatch(text) is None:
            raise Wrong(what().format(text=shown(text)), remedy())
        return text

    return AfterValidator(check)


Name = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
        lambda: _("{text} is not a name"),
        lambda: _(
            "write letters, digits, dots, dashes or underscores, with a letter or digit first"
        ),
    ),
]
Address = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}",
        lambda: _("{text} is not an address"),
        lambda: _("write a host name or an IP address, without port"),
    ),
]
MatrixId = Annotated[
    str,
    _shaped(
        r"(?=.{4,255}$)@[!-9;-~]+:[A-Za-z0-9.:\[\]-]+",
        lambda: _("{text} is not a Matrix id"),
        lambda: _("write it whole and in quotes, like '@someone:example.org'"),
    ),
]
Room = Annotated[
    str,
    _shaped(
        r"(?=.{3,255}$)(#[^\s:]+:[A-Za-z0-9.:\[\]-]+|![^\s]+)",
        lambda: _("{text} is neither a room's alias nor its id"),
        lambda: _("write it whole and in quotes, like '#nounou:example.org' or '!abc:example.org'"),
    ),
]
#: a pattern of verbs, as in a right
Verbs = Annotated[
    str,
    _shaped(
        r"[a-z0-9_.*?-]+",
        lambda: _("{text} is not a pattern of verbs"),
        lambda: _("write a verb in which * stands for anything, like domu.* or bot.help"),
    ),
]
#: the name of a Unix user of the bot's own host
OsUser = Annotated[
    str,
    _shaped(
        USER,
        lambda: _("{text} is not the name of a Unix user"),
        lambda: _("write a name as `id -un` prints it"),
    ),
]
Language = Annotated[
    str,
    _shaped(
        r"[a-z]{2,3}(_[A-Z]{2})?",
        lambda: _("{text} is not a language"),
        lambda: _("write its code, like en or fr"),
    ),
]


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError) as error:
        raise Wrong(
            _("{text} is no time zone that this machine knows").format(text=shown(text)),
            _("write one like Europe/Paris"),
        ) from error
    return text


Timezone = Annotated[str, AfterValidator(_timezone)]
Prefix = Annotated[
    str,
    _shaped(
        r"[!-.:-@\[-`{-~]{1,3}",
        lambda: _("{text} cannot mark a command"),
        lambda: _("write one to three signs that are neither letters nor a slash, like '!'"),
    ),
]
Package = Annotated[
    str,
    _shaped(
        r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*",
        lambda: _("{text} is not the name of a Python package"),
        lambda: _("write it as after import, like commands"),
    ),
]
Homeserver = Annotated[
    str,
    _shaped(
        r"https?://[A-Za-z0-9.:\[\]_-]+(/[!-~]*)?",
        lambda: _("{text} is not the address of a homeserver"),
        lambda: _("write it like https://matrix.example.org"),
    ),
]
#: a path below the home of the bot's user on a Dom0
BelowHome = Annotated[
    str,
    _shaped(
        r"(?!.*\.\.)[A-Za-z0-9._][A-Za-z0-9._-]*(/[A-Za-z0-9._][A-Za-z0-9._-]*)*",
        lambda: _("{text} is not a path below the home of the bot's user"),
        lambda: _("write a relative path without .., like .nounou/jobs"),
    ),
]
#: one word of a command; the session quotes it
Word = Annotated[
    str,
    _shaped(
        r"[^\x00-\x1f\x7f]+",
        lambda: _("{text} cannot be a word of a command"),
        lambda: _("write a text on one line that is not empty"),
    ),
]
#: a pattern of volume names, as in a shell: `daath-*`
Pattern = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9._*?\[\]!-]+",
        lambda: _("{text} is not a pattern of names"),
        lambda: _("write a name in which * stands for anything, like daath-*"),
    ),
]


def _right(text: str) -> str:
    try:
        policy.Right.parse(text)
    except ValueError as error:
        raise Wrong(
            _("{text} is not a right: {why}").format(text=shown(text), why=error),
            _("write it like domu.migrate on vm-* to fz, see docs/policy.md"),
        ) from error
    return text


#: a right as `bot.core.right` reads it
Right = Annotated[str, AfterValidator(_right)]


def _driver(kind: str) -> AfterValidator:
    """The name of a driver in the folder *kind*: drivers are found by being there."""

    def check(name: str) -> str:
        files = (Path(__file__).parent / "devices" / kind).glob("*.py")
        known = sorted(file.stem for file in files if "_" not in file.stem)
        if name not in known:
            raise Wrong(
                _("there is no driver {text}").format(text=shown(name)),
                _("write one of: {known}").format(known=", ".join(known)),
            )
        return name

    return AfterValidator(check)


ArrayDriver = Annotated[str, _driver("arrays")]
ToolstackDriver = Annotated[str, _driver("toolstacks")]
LightsOutDriver = Annotated[str, _driver("lights_out")]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(value: Any) -> float:
    """Seconds from a number, or from a text like ``10s``, ``2m``, ``500ms``."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)?", str(value))
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if isinstance(value, bool) or seconds <= 0:
        raise Wrong(
            _("{text} is not a duration").format(text=shown(value)),
            _("write it like 10s, 2m or 1h, and above zero"),
        )
    return seconds


#: a duration, in seconds once it is read
Seconds = Annotated[float, BeforeValidator(seconds_of)]


def _path(value: Any, info: ValidationInfo) -> Path:
    """A path; a relative one counts from the folder of the configuration file."""
    if not isinstance(value, str | Path) or not str(value) or "\x00" in str(value):
        raise Wrong(_("{text} is not a path").format(text=shown(value)), _("write a path"))
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / Path(value).expanduser()


def _file(path: Path, info: ValidationInfo) -> Path:
    """A file that must be there, which is looked at only when a configuration file is loaded."""
    if info.context is not None:
        _look(path)
    return path


def _private_file(path: Path, info: ValidationInfo) -> Path:
    """A file that holds a secret, which is looked at only when a configuration file is loaded."""
    if info.context is not None:
        _look_private(path)
    return path


#: a path of this machine
LocalPath = Annotated[Path, BeforeValidator(_path)]
#: a file of this machine that the bot reads
LocalFile = Annotated[Path, AfterValidator(_file), BeforeValidator(_path)]
#: the same, and nobody else may read it
PrivateFile = Annotated[Path, AfterValidator(_private_file), BeforeValidator(_path)]


def _look(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except OSError as error:
        raise Wrong(
            _("the file {path} cannot be read ({why})").format(path=path, why=error.strerror),
            _("write the path of a file that the bot's user may read"),
        ) from error
    if not stat.S_ISREG(found.st_mode) or not os.access(path, os.R_OK):
        raise Wrong(
            _("{path} is not a file that this user may read").format(path=path),
            _("write the path of a file that the bot's user may read"),
        )
    return found


def _look_private(path: Path) -> None:
    if _look(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Wrong(
            _("the file {path} holds a secret and is open to other users").format(path=path),
            _("run: chmod 600 {path}").format(path=path),
        )


def _secret(value: Any, info: ValidationInfo) -> SecretStr:
    """The secret that ``{file: PATH}`` or ``{env: NAME}`` leads to; no error ever quotes it."""
    if isinstance(value, SecretStr):
        return value
    match value:
        case {"file": str(name), **others} if not others:
            return _from_file(_path(name, info))
        case {"env": str(name), **others} if not others:
            return _from_environment(name)
    raise Wrong(
        _("a secret is never written in the configuration itself"),
        _("write {{file: PATH}} or {{env: NAME}}").format(),
    )


def _from_file(path: Path) -> SecretStr:
    _look_private(path)
    try:
        text = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(
            _("the file {path} cannot be read as text").format(path=path),
            _("write the secret into it, as one line"),
        ) from error
    if not text:
        raise Wrong(
            _("the file {path} is empty").format(path=path),
            _("write the secret into it, as one line"),
        )
    return SecretStr(text)


def _from_environment(name: str) -> SecretStr:
    text = os.environ.get(name, "")
    if not text:
        raise Wrong(
            _("the environment variable {name} is not set").format(name=shown(name)),
            _("set it before the bot starts, or write {{file: PATH}}").format(),
        )
    return SecretStr(text)


#: a password or token, masked in every print
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
