"""The argument types that commands are written with.

A converter turns one word into a value with the help of the inventory and does no I/O: whether the
thing is there now is a question for the plan, asked after the right to it was.
"""

from __future__ import annotations

import re
from typing import Annotated

from bot.core import sysrq
from bot.core.grammar import ArgumentType, Lookup
from bot.core.holds import HoldKind
from bot.core.keys import Keystroke
from bot.core.patterns import any_matches, overlap
from bot.core.text import clean, did_you_mean
from bot.core.units import span
from bot.devices.host import Host
from bot.engine.inventory import DomU as _DomU
from bot.engine.sought import Sought
from bot.errors import UsageError
from bot.i18n import _

#: what a guest, host or volume may be called anywhere in the bot
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

#: how a thing that can be held is said where its name alone is not enough
_HOLDABLE = {kind.value: kind for kind in (HoldKind.DOMU, HoldKind.HOST, HoldKind.VOLUME)}


#: what can be asked of a lights-out processor
LIGHTS_OUT_ACTIONS = ("status", "power", "on", "off", "reset", "log", "console")


def _named(text: str) -> str:
    if _NAME.fullmatch(text) is None or ".." in text:
        raise UsageError(
            _("{text} is not a name.").format(text=clean(repr(text), 60)),
            hint=_("A name has letters, digits and . _ - and at most 64 of them."),
        )
    return text


def _domu(text: str, lookup: Lookup) -> _DomU:
    found: _DomU = lookup.find("domu", _named(text))
    return found


def _dom0(text: str, lookup: Lookup) -> Host:
    found: Host = lookup.find("dom0", _named(text))
    return found


def _number(text: str, _lookup: Lookup) -> int:
    match = re.fullmatch(r"#?([0-9]{1,9})", text)
    if match is None:
        raise UsageError(
            _("{text} is not the number of a job.").format(text=clean(repr(text), 60)),
            hint=_("!job list shows the numbers."),
        )
    return int(match[1])


def _alert_number(text: str, _lookup: Lookup) -> int:
    match = re.fullmatch(r"#?([0-9]{1,9})", text)
    if match is None:
        raise UsageError(
            _("{text} is not the number of an alert.").format(text=clean(repr(text), 60)),
            hint=_("!alert list shows the numbers."),
        )
    return int(match[1])


def _any_number(text: str, _lookup: Lookup) -> int:
    match = re.fullmatch(r"#?([0-9]{1,9})", text)
    if match is None:
        raise UsageError(_("{text} is not a number.").format(text=clean(repr(text), 60)))
    return int(match[1])


def _count(text: str, _lookup: Lookup) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise UsageError(
            _("{text} is not a number from 1 to 100.").format(text=clean(repr(text), 60))
        )
    return int(text)


def _line_count(text: str, _lookup: Lookup) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 200:
        raise UsageError(
            _("{text} is not a number of lines from 1 to 200.").format(text=clean(repr(text), 60))
        )
    return int(text)


def _span(text: str, _lookup: Lookup) -> float:
    return span(text)


def _keys(text: str, _lookup: Lookup) -> Keystroke:
    return Keystroke.read(text)


def _sysrq_key(text: str, _lookup: Lookup) -> str:
    return sysrq.read(text)


def _switch(text: str, _lookup: Lookup) -> bool:
    if text.casefold() not in ("on", "off"):
        raise UsageError(_("{text} is neither on nor off.").format(text=clean(repr(text), 60)))
    return text.casefold() == "on"


def _position(on: bool) -> str:
    return "on" if on else "off"


def _fits_switch(pattern: str) -> bool:
    return any_matches((pattern,), "on") or any_matches((pattern,), "off")


def _fits_number(pattern: str) -> bool:
    """Whether *pattern* matches a number as it is written: without ``#`` and without a 0 first."""
    return any(overlap(pattern, number) for number in ("0", "[1-9]*"))


def _action(text: str, _lookup: Lookup) -> str:
    word = text.casefold()
    if word not in LIGHTS_OUT_ACTIONS:
        raise UsageError(
            _("{text} is nothing that an iLO does.").format(text=clean(repr(text), 60)),
            hint=did_you_mean(word, LIGHTS_OUT_ACTIONS)
            or _("There are: {names}.").format(names=", ".join(LIGHTS_OUT_ACTIONS)),
        )
    return word


def _fits_action(pattern: str) -> bool:
    return any(any_matches((pattern,), each) for each in LIGHTS_OUT_ACTIONS)


def _holdable(text: str, _lookup: Lookup) -> Sought:
    kind, colon, name = text.rpartition(":")
    if colon and kind not in _HOLDABLE:
        raise UsageError(
            _("{kind} is no kind of thing that can be held.").format(kind=clean(repr(kind), 60)),
            hint=_("There are: {names}.").format(names=", ".join(_HOLDABLE)),
        )
    return Sought(_named(name), _HOLDABLE.get(kind))


def _machine(text: str, lookup: Lookup) -> Sought:
    found = _holdable(text, lookup)
    if found.kind is HoldKind.VOLUME:
        raise UsageError(
            _("{name} is a volume, and only machines have clocks.").format(name=found.name)
        )
    return found


def _person(text: str, lookup: Lookup) -> str:
    found: str = lookup.find("person", text)
    return found


def _name_of(sought: Sought) -> str:
    return sought.name


def _word(text: str, _lookup: Lookup) -> str:
    return text


DomU = Annotated[_DomU, ArgumentType("domu", _domu, is_object=True)]
Dom0 = Annotated[Host, ArgumentType("dom0", _dom0, is_object=True)]
JobNumber = Annotated[int, ArgumentType("job", _number, written=str, fits=_fits_number)]
AlertNumber = Annotated[int, ArgumentType("alert", _alert_number, written=str, fits=_fits_number)]
#: the number of a grant, a hold…
Number = Annotated[int, ArgumentType("number", _any_number, written=str, fits=_fits_number)]
Count = Annotated[int, ArgumentType("count", _count, written=str, fits=_fits_number)]
Switch = Annotated[bool, ArgumentType("switch", _switch, written=_position, fits=_fits_switch)]
#: a DomU, a Dom0 or a volume, found by looking once the command runs; rights are by its name,
#: with or without its kind before it
Holdable = Annotated[
    Sought,
    ArgumentType(
        "any",
        _holdable,
        is_object=True,
        written=_name_of,
        name_of=_name_of,
        fits=lambda pattern: ":" not in pattern,
    ),
]
#: a Dom0 or a DomU, found by looking once the command runs; rights are by its name
Machine = Annotated[
    Sought,
    ArgumentType(
        "any",
        _machine,
        is_object=True,
        written=_name_of,
        name_of=_name_of,
        fits=lambda pattern: ":" not in pattern,
    ),
]
LightsOutAction = Annotated[str, ArgumentType("power", _action, written=str, fits=_fits_action)]
#: how many lines
LineCount = Annotated[int, ArgumentType("count", _line_count, written=str, fits=_fits_number)]
#: for how long, in seconds
Span = Annotated[float, ArgumentType("span", _span)]
#: a magic SysRq key
SysrqKey = Annotated[str, ArgumentType("sysrq", _sysrq_key, written=str)]
#: a key, or a text to type
Keys = Annotated[Keystroke, ArgumentType("keys", _keys)]
#: a member, by name or by chat id; rights are by the name
Person = Annotated[
    str,
    ArgumentType("person", _person, written=str, fits=lambda pattern: not pattern.startswith("@")),
]
Word = Annotated[str, ArgumentType("word", _word)]
#: a word of a sentence, which may look like an option: it is text
Said = Annotated[str, ArgumentType("text", _word, raw=True)]
#: the words of another command, options of that one included
CommandWord = Annotated[str, ArgumentType("word", _word, raw=True)]
#: a word that nobody may read: it is masked in the record, in answers and everywhere else
Secret = Annotated[str, ArgumentType("secret", _word, secret=True)]
