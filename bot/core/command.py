"""How a command is declared, found and described.  No I/O here.

Importing a command module changes nothing: ``@command`` turns a coroutine into a `Command`, and the
`Registry` is filled by whoever starts the bot.  The signature is the grammar: positional parameters
are words, a ``*`` parameter takes the rest, keyword-only booleans are ``--options``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Annotated, Any, Protocol, get_args, get_origin, get_type_hints

from bot.core.approvals import Need
from bot.core.patterns import any_matches
from bot.core.plan import Plan
from bot.core.render import Reply
from bot.core.right import RESERVED, Asked, speaks_of
from bot.core.risk import Risk
from bot.core.text import clean, did_you_mean
from bot.errors import UsageError
from bot.i18n import _, ngettext

Handler = Callable[..., Awaitable[Reply]]
Check = Callable[..., Awaitable[None]]
Planner = Callable[..., Awaitable[Plan]]


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
class Bound:
    """The words of a command, converted."""

    args: tuple[Any, ...]
    options: dict[str, bool]
    #: (kind, name) of each object of the site among the arguments
    objects: tuple[tuple[str, str], ...]
    #: (parameter, kind, word) of all that was typed; an option is (name, "option", "true")
    arguments: tuple[tuple[str, str, str], ...] = ()


@dataclass
class Command:
    """A chat command: what to type, which right it needs, what it risks, and what it runs."""

    path: tuple[str, ...]
    handler: Handler
    needs: str
    risk: Risk = Risk.READS
    #: what it waits for at least, whatever the config says
    least: Need = Need.NONE
    #: how its words are written, where the signature cannot say it
    words: str = ""
    checks: list[Check] = field(default_factory=list)
    planner: Planner | None = None
    recoverer: Handler | None = None
    settler: Handler | None = None
    #: whether it shows only those objects that its asker has the right to
    filters: bool = False

    def __post_init__(self) -> None:
        self.params, self.options = _grammar(self.handler)

    def check(self, function: Check) -> Check:
        """Add a precondition that needs no look at the world: it raises, or all is well."""
        self.checks.append(function)
        return function

    def plan(self, function: Planner) -> Planner:
        """Say what would be done: run before the locks are taken, and again under them."""
        self.planner = function
        return function

    def recover(self, function: Handler) -> Handler:
        """Say what to do when the bot died while this ran: look first, then tell the truth."""
        self.recoverer = function
        return function

    def settle(self, function: Handler) -> Handler:
        """Look at the world again for a job whose end is not known."""
        self.settler = function
        return function

    @property
    def name(self) -> str:
        return " ".join(self.path)

    @property
    def parameters(self) -> tuple[str, ...]:
        """What rights may say of its words: the names of its parameters, options included."""
        return (*(param.name for param in self.params), *self.options)

    def speaks_of(self, kind: str) -> bool:
        """Whether a right to it may say on which objects of *kind* it counts."""
        return speaks_of(self.needs, kind)

    @property
    def limitable(self) -> bool:
        """Whether a right on some objects only gives it: it takes such objects, or filters them."""
        kinds = (param.type.kind for param in self.params if param.type.is_object)
        return self.filters or any(map(self.speaks_of, kinds))

    def fits(self, parameter: str, pattern: str) -> bool:
        """Whether *pattern* can match any word of *parameter*, as rights see it."""
        if parameter in self.options:
            return any_matches((pattern,), "true") or any_matches((pattern,), "false")
        types = [param.type for param in self.params if param.name == parameter]
        return any(each.fits is None or each.fits(pattern) for each in types)

    def asked(self, bound: Bound) -> Asked:
        """The command with the words *bound*, as rights judge it."""
        named = dict.fromkeys(bound.objects)
        names = dict.fromkeys(name for kind, name in named if self.speaks_of(kind))
        others = dict.fromkeys(name for kind, name in named if not self.speaks_of(kind))
        chosen = {name for name, _kind, _word in bound.arguments}
        arguments = {name: ("false",) for name in self.options if name not in chosen}
        for parameter, _kind, word in bound.arguments:
            arguments[parameter] = (*arguments.get(parameter, ()), word)
        return Asked(self.needs, tuple(names), arguments, self.filters, tuple(others))

    @property
    def usage(self) -> str:
        options = [f"[--{name.replace('_', '-')}]" for name in self.options]
        words = [self.words] if self.words else map(str, self.params)
        return " ".join([*self.path, *words, *options])

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring, in the reader's language."""
        return _(self.description.partition("\n")[0].strip())

    @property
    def description(self) -> str:
        return inspect.getdoc(self.handler) or ""

    def bind(self, words: Sequence[str], lookup: Lookup) -> Bound:
        """Convert *words* (those after the path); raises `UsageError` that knows the wrong word."""
        start = len(self.path)
        positional: list[tuple[int, str]] = []
        options: dict[str, bool] = dict.fromkeys(self.options, False)
        for index, word in enumerate(words, start):
            if (
                word.startswith("-")
                and word != "-"
                and not (self.quotes and len(positional) >= len(self.params) - 1)
            ):
                options[self._option(word, index)] = True
            else:
                positional.append((index, word))
        self._count(positional, start + len(words))
        args, objects, arguments = self._convert(positional, lookup)
        chosen = tuple((name, "option", "true") for name, on in options.items() if on)
        return Bound(args, options, objects, arguments + chosen)

    @property
    def quotes(self) -> bool:
        """Whether its last words are another command."""
        return bool(self.params) and self.params[-1].rest and self.params[-1].type.raw

    @property
    def has_secrets(self) -> bool:
        """Whether it takes a word that nobody may read."""
        return any(param.type.secret for param in self.params)

    def hidden(self, words: Sequence[str]) -> frozenset[int]:
        """The places in *words*, a line of this command, that nobody may read.

        What does not fit its grammar may be a secret, too.
        """
        if not self.has_secrets:
            return frozenset()
        params, rest, hidden = list(self.params), self.params[-1].rest, set()
        for place, word in enumerate(words[len(self.path) :], len(self.path)):
            if word.startswith("-") and word != "-":
                option = word.removeprefix("--").replace("-", "_")
                shown = word.startswith("--") and option in self.options
            else:
                shown = bool(params) and not params[0].type.secret
                params = params if rest and len(params) == 1 else params[1:]
            if not shown:
                hidden.add(place)
        return frozenset(hidden)

    def _how(self) -> str:
        return _("Usage: {usage}").format(usage=self.usage)

    def _option(self, word: str, index: int) -> str:
        name = word.removeprefix("--").replace("-", "_")
        if word.startswith("--") and name in self.options:
            return name
        known = [f"--{option.replace('_', '-')}" for option in self.options]
        raise UsageError(
            _("{word} is not an option of {command}.").format(
                word=clean(word, 40), command=self.name
            ),
            hint=did_you_mean(word, known) or self._how(),
            word=index,
        )

    def _count(self, positional: Sequence[tuple[int, str]], end: int) -> None:
        needed = sum(param.required for param in self.params)
        if len(positional) < needed:
            missing = self.params[len(positional)]
            raise UsageError(
                _("{name} is missing.").format(name=missing.name.upper()),
                hint=self._how(),
                word=end,
            )
        most = len(self.params)
        if len(positional) > most and not (self.params and self.params[-1].rest):
            raise UsageError(
                ngettext(
                    "{command} takes {count} word at most.",
                    "{command} takes {count} words at most.",
                    most,
                ).format(command=self.name, count=most),
                hint=self._how(),
                word=positional[most][0],
            )

    def _convert(
        self, positional: Sequence[tuple[int, str]], lookup: Lookup
    ) -> tuple[tuple[Any, ...], tuple[tuple[str, str], ...], tuple[tuple[str, str, str], ...]]:
        args: list[Any] = []
        objects: list[tuple[str, str]] = []
        arguments: list[tuple[str, str, str]] = []
        for place, (index, word) in enumerate(positional):
            param = self.params[min(place, len(self.params) - 1)]
            try:
                args.append(param.type.convert(word, lookup))
            except UsageError as error:
                error.word = index if error.word is None else error.word
                raise
            if param.type.is_object:
                objects.append((param.type.kind, param.type.named(word, args[-1])))
            written = param.type.written
            arguments.append((param.name, param.type.kind, written(args[-1]) if written else word))
        args += [param.default for param in self.params[len(positional) :] if not param.rest]
        return tuple(args), tuple(objects), tuple(arguments)


@dataclass
class Registry:
    """The commands of one running bot, by path."""

    commands: dict[tuple[str, ...], Command] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Command]:
        return iter(sorted(self.commands.values(), key=lambda command: command.path))

    def add_from(self, modules: Iterable[ModuleType]) -> None:
        """Take in every command that *modules* define."""
        for module in modules:
            for value in vars(module).values():
                if isinstance(value, Command) and value.handler.__module__ == module.__name__:
                    self.add(value)

    def add(self, command: Command) -> None:
        if command.path in self.commands:
            raise RuntimeError(f"two commands are named {command.name!r}")
        if command.needs.count(".") != 1 or not command.summary:
            raise RuntimeError(f"{command.name!r} declares no right or has no summary")
        self.commands[command.path] = command

    def find(self, words: Sequence[str]) -> Command | None:
        """The command with the longest path that starts *words*."""
        for cut in range(min(len(words), 3), 0, -1):
            if command := self.commands.get(tuple(words[:cut])):
                return command
        return None

    def unknown(self, words: Sequence[str], allowed: Iterable[Command]) -> UsageError:
        """The error for *words* that name no command, with a hint among the *allowed*."""
        visible = list(allowed)
        below = [command.name for command in visible if command.path[0] == words[0]]
        if below:
            there = _("There are: {names}.").format(names=", ".join(below))
            if len(words) == 1:
                message = _("{group} wants one more word.").format(group=words[0])
                return UsageError(message, hint=there, word=1)
            message = _("{group} has no command {word}.").format(
                group=words[0], word=clean(words[1], 40)
            )
            hint = did_you_mean(" ".join(words[:2]), below) or there
            return UsageError(message, hint=hint, word=1)
        typed = clean(words[0], 40)
        names = {command.path[0] for command in visible} | {command.name for command in visible}
        return UsageError(
            _("There is no command {word}.").format(word=typed),
            hint=did_you_mean(typed, names) or _("!help lists what you may run."),
            word=0,
        )


def command(
    path: str,
    *,
    needs: str,
    risk: str = "reads",
    least: str = "none",
    filters: bool = False,
    words: str = "",
) -> Callable[[Handler], Command]:
    """Declare the decorated coroutine to be the chat command *path*.

    *needs* is the right to it (``noun.verb``); *risk* the least it may do: ``reads``, ``changes``,
    ``interrupts`` or ``destroys``; *least* what it waits for whatever the config says: ``none``,
    ``confirm`` or ``second``.  With *filters* it shows nobody an object that they have no right to,
    so that who has it on some objects may use it.  *words* is how the words are written, where the
    signature cannot say it.
    """
    return lambda handler: Command(
        tuple(path.split()),
        handler,
        needs,
        Risk[risk.upper()],
        Need[least.upper()],
        filters=filters,
        words=words,
    )


def _grammar(handler: Handler) -> tuple[tuple[Param, ...], tuple[str, ...]]:
    hints = get_type_hints(handler, include_extras=True)
    _context, *parameters = inspect.signature(handler).parameters.values()
    words: list[Param] = []
    options: list[str] = []
    for parameter in parameters:
        if parameter.name in RESERVED:
            raise TypeError(f"{parameter.name!r} means something else in a right")
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if hints[parameter.name] is not bool or parameter.default is not False:
                raise TypeError(f"option {parameter.name!r} must be bool = False")
            options.append(parameter.name)
            continue
        rest = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        required = parameter.default is inspect.Parameter.empty and not rest
        default = None if required or rest else parameter.default
        words.append(Param(parameter.name, _type(hints[parameter.name]), required, default, rest))
    return tuple(words), tuple(options)


def _type(hint: Any) -> ArgumentType:
    """The `ArgumentType` in *hint*, also where it may be left out (``T | None``)."""
    for extra in get_args(hint):
        if isinstance(extra, ArgumentType):
            return extra
        if get_origin(extra) is Annotated:
            return _type(extra)
    raise TypeError(f"{hint!r} says not how a word becomes a value; take a type from bot.api")
