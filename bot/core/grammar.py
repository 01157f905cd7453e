"""The words of a command: which there are, and how each becomes a value.

A signature is the grammar: positional parameters are words, a ``*`` parameter takes the rest,
keyword-only booleans are ``--options``, and other keyword-only parameters are ``--option WORD``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, get_args, get_origin, get_type_hints

from bot.core.render import Reply
from bot.core.right import RESERVED
from bot.core.text import clean, did_you_mean
from bot.errors import UsageError
from bot.i18n import _, ngettext

Handler = Callable[..., Awaitable[Reply]]


class Lookup(Protocol):
    """What converters may ask: the inventory as the asker may see it, never the network."""

    def find(self, kind: str, text: str) -> Any:
        """What *text* means: an object or a ``person``; raises `UsageError` or `Denied`."""


@dataclass(frozen=True)
class ArgumentType:
    """How one word becomes a value; stands in ``Annotated[T, ArgumentType(…)]``."""

    #: names what may stand here: for completion, and for the objects of rights
    kind: str
    convert: Callable[[str, Lookup], Any]
    #: whether the value is an object of the site that rights speak of
    is_object: bool = False
    #: whether nobody may read what is typed
    secret: bool = False
    #: the name that rights speak of, where it is not the word itself
    name_of: Callable[[Any], str] | None = None
    #: the one way in which the value is written, where it may be typed in several
    written: Callable[[Any], str] | None = None
    #: whether a pattern in a right can match any word, as it is written
    fits: Callable[[str], bool] | None = None
    #: whether a ``*`` parameter of it takes words that look like options as well
    raw: bool = False

    def named(self, word: str, value: Any) -> str:
        """What the object is called that *word* became."""
        return self.name_of(value) if self.name_of is not None else word

    def shown(self, word: str, value: Any) -> str:
        """How *word* is written wherever it is spoken of."""
        return self.written(value) if self.written is not None else word


@dataclass(frozen=True)
class Param:
    """One word of a command."""

    name: str
    type: ArgumentType
    required: bool = True
    default: Any = None
    rest: bool = False

    def __str__(self) -> str:
        if self.rest:
            return f"[{self.name}…]"
        return self.name.upper() if self.required else f"[{self.name}]"


@dataclass(frozen=True)
class Option:
    """Something that may be chosen with two hyphens; without a *type* it is there or not."""

    name: str
    type: ArgumentType | None = None

    @property
    def flag(self) -> str:
        """How it is typed."""
        return f"--{self.name.replace('_', '-')}"

    def __str__(self) -> str:
        return f"[{self.flag}]" if self.type is None else f"[{self.flag} {self.name.upper()}]"


@dataclass(frozen=True)
class Bound:
    """The words of a command, converted."""

    args: tuple[Any, ...]
    #: by name: whether it was chosen, or the value that it was given (None for none)
    options: dict[str, Any]
    #: (kind, name) of each object of the site among the arguments
    objects: tuple[tuple[str, str], ...]
    #: (parameter, kind, word) of all that was typed; an option is (name, "option", "true")
    arguments: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Grammar:
    """The words that a command takes behind its name."""

    params: tuple[Param, ...]
    options: dict[str, Option]

    @classmethod
    def of(cls, handler: Handler) -> Grammar:
        """The grammar that the signature of *handler* is; raises `TypeError` where it is none."""
        hints = get_type_hints(handler, include_extras=True)
        _context, *parameters = inspect.signature(handler).parameters.values()
        params: list[Param] = []
        options: dict[str, Option] = {}
        for each in parameters:
            if each.name in RESERVED:
                raise TypeError(f"{each.name!r} means something else in a right")
            if each.kind is inspect.Parameter.KEYWORD_ONLY:
                options[each.name] = _option(each, hints[each.name])
                continue
            rest = each.kind is inspect.Parameter.VAR_POSITIONAL
            required = each.default is inspect.Parameter.empty and not rest
            default = None if required or rest else each.default
            params.append(Param(each.name, _type(hints[each.name]), required, default, rest))
        return cls(tuple(params), options)

    @property
    def quotes(self) -> bool:
        """Whether its last words are another command."""
        return bool(self.params) and self.params[-1].rest and self.params[-1].type.raw

    @property
    def has_secrets(self) -> bool:
        """Whether it takes a word that nobody may read."""
        return any(param.type.secret for param in self.params)

    def bind(self, words: Sequence[str], lookup: Lookup, start: int, of: Named) -> Bound:
        """Convert *words*, the first of which is number *start* in the line of the command *of*.

        Raises `UsageError` that knows the wrong word.
        """
        positional: list[_Placed] = []
        chosen: dict[Option, _Placed] = {}
        line = list(enumerate(words, start))
        while line:
            place, word = line.pop(0)
            if not self._looks_like_option(word, len(positional)):
                positional.append(_Placed(word, place))
                continue
            option, value = self._chosen(word, place, of)
            if option in chosen and option.type is not None:
                sentence = _("{option} stands there twice.").format(option=option.flag)
                raise UsageError(sentence, hint=_how(of), word=place)
            chosen[option] = _value(option, _Placed(value or "", place), value, line, of)
        self._count(positional, start + len(words), of)
        return self._convert(positional, chosen, lookup)

    def _looks_like_option(self, word: str, before: int) -> bool:
        if not word.startswith("-") or word == "-":
            return False
        return not (self.quotes and before >= len(self.params) - 1)

    def _chosen(self, word: str, place: int, of: Named) -> tuple[Option, str | None]:
        """The option that *word* chooses, and the value that it brings along."""
        head, equals, value = word.partition("=")
        option = self.options.get(head.removeprefix("--").replace("-", "_"))
        if head.startswith("--") and option is not None and (not equals or option.type):
            return option, value if equals else None
        raise UsageError(
            _("{word} is not an option of {command}.").format(
                word=clean(word, 40), command=of.name
            ),
            hint=did_you_mean(head, [each.flag for each in self.options.values()]) or _how(of),
            word=place,
        )

    def _count(self, positional: Sequence[_Placed], end: int, of: Named) -> None:
        needed = sum(param.required for param in self.params)
        if len(positional) < needed:
            missing = self.params[len(positional)]
            raise UsageError(
                _("{name} is missing.").format(name=missing.name.upper()), hint=_how(of), word=end
            )
        most = len(self.params)
        if len(positional) > most and not (self.params and self.params[-1].rest):
            raise UsageError(
                ngettext(
                    "{command} takes {count} word at most.",
                    "{command} takes {count} words at most.",
                    most,
                ).format(command=of.name, count=most),
                hint=_how(of),
                word=positional[most].place,
            )

    def _convert(
        self, positional: Sequence[_Placed], chosen: dict[Option, _Placed], lookup: Lookup
    ) -> Bound:
        found = _Found()
        args: list[Any] = []
        for number, placed in enumerate(positional):
            param = self.params[min(number, len(self.params) - 1)]
            args.append(found.take(param.name, param.type, placed, lookup))
        args += [param.default for param in self.params[len(positional) :] if not param.rest]
        options: dict[str, Any] = {
            name: None if option.type else False for name, option in self.options.items()
        }
        for option, placed in chosen.items():
            if option.type is None:
                options[option.name] = True
                found.arguments.append((option.name, "option", "true"))
            else:
                options[option.name] = found.take(option.name, option.type, placed, lookup)
        return Bound(tuple(args), options, tuple(found.objects), tuple(found.arguments))

    def hidden(self, words: Sequence[str], start: int) -> frozenset[int]:
        """The places in *words*, a line whose words begin at *start*, that nobody may read.

        What does not fit the grammar may be a secret, too.
        """
        if not self.has_secrets:
            return frozenset()
        params, rest, hidden = list(self.params), self.params[-1].rest, set()
        taken = False  # by the option before it
        for place, word in enumerate(words[start:], start):
            if taken:
                shown, taken = True, False
            elif word.startswith("-") and word != "-":
                name, equals, _value = word.removeprefix("--").partition("=")
                option = self.options.get(name.replace("-", "_"))
                shown = word.startswith("--") and option is not None
                taken = option is not None and option.type is not None and not equals
            else:
                shown = bool(params) and not params[0].type.secret
                params = params if rest and len(params) == 1 else params[1:]
            if not shown:
                hidden.add(place)
        return frozenset(hidden)


class Named(Protocol):
    """A command, as errors speak of it."""

    @property
    def name(self) -> str: ...

    @property
    def usage(self) -> str: ...


@dataclass(frozen=True)
class _Placed:
    """A word, and which place in the line it has."""

    word: str
    place: int


class _Found:
    """What the words of one line turned out to be."""

    def __init__(self) -> None:
        self.objects: list[tuple[str, str]] = []
        self.arguments: list[tuple[str, str, str]] = []

    def take(self, name: str, kind: ArgumentType, placed: _Placed, lookup: Lookup) -> Any:
        """The value of the word *placed* as the parameter *name*."""
        try:
            value = kind.convert(placed.word, lookup)
        except UsageError as error:
            error.word = placed.place if error.word is None else error.word
            raise
        if kind.is_object:
            self.objects.append((kind.kind, kind.named(placed.word, value)))
        self.arguments.append((name, kind.kind, kind.shown(placed.word, value)))
        return value


def _value(
    option: Option, chosen: _Placed, brought: str | None, line: list[tuple[int, str]], of: Named
) -> _Placed:
    """The word that *option* takes: what it *brought* along, or the next of *line*."""
    if option.type is None or brought is not None:
        return chosen
    if not line:
        raise UsageError(
            _("{option} wants one more word.").format(option=option.flag),
            hint=_how(of),
            word=chosen.place + 1,
        )
    place, word = line.pop(0)
    return _Placed(word, place)


def _how(of: Named) -> str:
    return _("Usage: {usage}").format(usage=of.usage)


def _option(parameter: inspect.Parameter, hint: Any) -> Option:
    if hint is bool:
        if parameter.default is not False:
            raise TypeError(f"option {parameter.name!r} must be bool = False")
        return Option(parameter.name)
    kind = _type(hint)
    if parameter.default is not None or kind.secret:
        # a secret has its place among the words, where the record knows to mask it
        raise TypeError(f"option {parameter.name!r} must be = None, and no secret")
    return Option(parameter.name, kind)


def _type(hint: Any) -> ArgumentType:
    """The `ArgumentType` in *hint*, also where it may be left out (``T | None``)."""
    for extra in get_args(hint):
        if isinstance(extra, ArgumentType):
            return extra
        if get_origin(extra) is Annotated:
            return _type(extra)
    raise TypeError(f"{hint!r} says not how a word becomes a value; take a type from bot.api")
