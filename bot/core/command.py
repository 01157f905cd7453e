"""How a command is declared, found and described.  No I/O here.

Importing a command module changes nothing: ``@command`` turns a coroutine into a `Command`, and the
`Registry` is filled by whoever starts the bot.  The signature is the `bot.core.grammar`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from bot.core.approvals import Need
from bot.core.grammar import Bound, Grammar, Handler, Lookup
from bot.core.patterns import any_matches
from bot.core.plan import Plan
from bot.core.right import Asked, speaks_of
from bot.core.risk import Risk
from bot.core.text import clean, did_you_mean
from bot.errors import UsageError
from bot.i18n import _

Check = Callable[..., Awaitable[None]]
Planner = Callable[..., Awaitable[Plan]]


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
    #: rights that some of its words need in place of `needs`, and beside it: by the name of an
    #: option (``send``), or by a parameter and its word (``action=off``)
    further: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.grammar = Grammar.of(self.handler)
        self.params, self.options = self.grammar.params, self.grammar.options

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
        option = self.options.get(parameter)
        if option is not None and option.type is None:
            return any_matches((pattern,), "true") or any_matches((pattern,), "false")
        types = [param.type for param in self.params if param.name == parameter]
        types += [option.type] if option is not None and option.type is not None else []
        return any(each.fits is None or each.fits(pattern) for each in types)

    @property
    def verbs(self) -> tuple[str, ...]:
        """Every right that it may need."""
        return (self.needs, *dict.fromkeys(self.further.values()))

    def verb(self, bound: Bound) -> str:
        """The right that it needs with the words *bound*."""
        for key, verb in self.further.items():
            parameter, _equals, wanted = key.partition("=")
            for name, _kind, word in bound.arguments:
                if name == parameter and wanted in ("", word):
                    return verb
        return self.needs

    def asked(self, bound: Bound) -> Asked:
        """The command with the words *bound*, as rights judge it."""
        named = dict.fromkeys(bound.objects)
        names = dict.fromkeys(name for kind, name in named if self.speaks_of(kind))
        others = dict.fromkeys(name for kind, name in named if not self.speaks_of(kind))
        chosen = {name for name, _kind, _word in bound.arguments}
        flags = (name for name, option in self.options.items() if option.type is None)
        arguments = {name: ("false",) for name in flags if name not in chosen}
        for parameter, _kind, word in bound.arguments:
            arguments[parameter] = (*arguments.get(parameter, ()), word)
        return Asked(self.verb(bound), tuple(names), arguments, self.filters, tuple(others))

    @property
    def usage(self) -> str:
        words = [self.words] if self.words else map(str, self.params)
        return " ".join([*self.path, *words, *map(str, self.options.values())])

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring, in the reader's language."""
        return _(self.description.partition("\n")[0].strip())

    @property
    def description(self) -> str:
        return inspect.getdoc(self.handler) or ""

    def bind(self, words: Sequence[str], lookup: Lookup) -> Bound:
        """Convert *words* (those after the path); raises `UsageError` that knows the wrong word."""
        return self.grammar.bind(words, lookup, len(self.path), self)

    @property
    def quotes(self) -> bool:
        """Whether its last words are another command."""
        return self.grammar.quotes

    @property
    def has_secrets(self) -> bool:
        """Whether it takes a word that nobody may read."""
        return self.grammar.has_secrets

    def hidden(self, words: Sequence[str]) -> frozenset[int]:
        """The places in *words*, a line of this command, that nobody may read.

        What does not fit its grammar may be a secret, too.
        """
        return self.grammar.hidden(words, len(self.path))


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
        if any(verb.count(".") != 1 for verb in command.verbs) or not command.summary:
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
    further: Mapping[str, str] | None = None,
) -> Callable[[Handler], Command]:
    """Declare the decorated coroutine to be the chat command *path*.

    *needs* is the right to it (``noun.verb``); *risk* the least it may do: ``reads``, ``changes``,
    ``interrupts`` or ``destroys``; *least* what it waits for whatever the config says: ``none``,
    ``confirm`` or ``second``.  With *filters* it shows nobody an object that they have no right to,
    so that who has it on some objects may use it.  *words* is how the words are written, where the
    signature cannot say it.  *further* are the rights that some words need, by the option
    (``{"send": "console.type"}``) or by a parameter and its word (``{"action=off": "ilo.power"}``).
    """
    return lambda handler: Command(
        tuple(path.split()),
        handler,
        needs,
        Risk[risk.upper()],
        Need[least.upper()],
        filters=filters,
        words=words,
        further=further or {},
    )
