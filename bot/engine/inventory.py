"""What exists, as last seen: for converting words, for hints and for completion.

A cache, with its age; nothing that changes something relies on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.core.command import Command
from bot.core.policy import Asked, Policy, Rights
from bot.core.right import speaks_of
from bot.core.text import clean, did_you_mean
from bot.devices.host import Host
from bot.engine.world import World
from bot.errors import Denied, DeviceError, UsageError
from bot.i18n import _


@dataclass(frozen=True)
class DomU:
    """A guest, by name; whether and where it runs is a question for a census."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass
class Inventory:
    """Names of guests by host, and when each host was last read."""

    world: World
    clock: Callable[[], float]
    guests: dict[str, frozenset[str]] = field(default_factory=dict)
    read_at: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Read every host; one that does not answer keeps what was last seen there."""
        await asyncio.gather(*(self._read(host) for host in self.world.hosts.values()))

    async def _read(self, host: Host) -> None:
        try:
            running = {domain.plain_name for domain in await host.toolstack.domains()}
            defined = set(await host.toolstack.defined())
        except DeviceError as error:
            self.problems[host.name] = str(error)
            return
        self.problems.pop(host.name, None)
        self.guests[host.name] = frozenset(running | defined)
        self.read_at[host.name] = self.clock()

    def names(self, kind: str) -> frozenset[str]:
        """The names of all that is of *kind* (``domu`` or ``dom0``)."""
        if kind == "dom0":
            return frozenset(self.world.hosts)
        return frozenset().union(*self.guests.values())


class UnknownObject(UsageError):
    """There is nothing by that name."""


@dataclass(frozen=True)
class View:
    """The inventory as somebody may see it who wants to do *verb*; a `Lookup`."""

    inventory: Inventory
    rights: Rights
    verb: str
    #: the parameters of the command, and the kind of thing that each takes
    parameters: tuple[tuple[str, str], ...] = ()
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def of(cls, inventory: Inventory, rights: Rights, command: Command, policy: Policy) -> View:
        """What somebody with *rights* may see of *inventory* in order to use *command*."""
        parameters = tuple((param.name, param.type.kind) for param in command.params)
        return cls(inventory, rights, command.needs, parameters, policy)

    def find(self, kind: str, text: str) -> DomU | Host | str:
        """The guest or host called *text*, or the name of the person.

        Raises `UnknownObject`; or `Denied`, with the same words whether the name is forbidden or
        unknown, to somebody who may not see everything.
        """
        if kind == "person":
            return self.policy.named(text)
        visible = self.visible(kind)
        if text in visible:
            return self._value(kind, text)
        words = {
            "kind": {"domu": "DomU", "dom0": "Dom0"}[kind],
            "name": clean(repr(text), 60),
        }
        hint = did_you_mean(text, visible)
        if self._restricted(kind):
            message = _("There is no {kind} called {name} that you may use.").format(**words)
            if text in self.inventory.names(kind) or not self._may_see(kind, text):
                raise Denied(message, hint=hint, rule=self._rule(kind, text))
            raise UnknownObject(message, hint=hint)
        missing = _("There is no {kind} called {name}.").format(**words)
        raise UnknownObject(missing, hint=hint or self._all(kind, visible))

    def visible(self, kind: str) -> frozenset[str]:
        names = self.inventory.names(kind)
        if not self._restricted(kind):
            return names
        return frozenset(name for name in names if self._may_see(kind, name))

    def _restricted(self, kind: str) -> bool:
        """Whether some names of *kind* are of no use to the asker, who then sees the others only.

        Rights limit a kind by the objects that they name, or by the words of an argument.
        """
        if speaks_of(self.verb, kind) and not self.rights.every(self.verb):
            return True
        if self.rights.denies_on(self.verb):
            return True
        places = self._places(kind)
        return bool(places) and all(self.rights.limits(self.verb, place) for place in places)

    def _may_see(self, kind: str, name: str) -> bool:
        if speaks_of(self.verb, kind) and not self.rights.object(self.verb, name):
            return False
        if self.rights.denies_on(self.verb, name):
            return False
        places = self._places(kind)
        return not places or any(self.rights.argument(self.verb, place, name) for place in places)

    def _places(self, kind: str) -> list[str]:
        """The parameters as which something of *kind* may stand."""
        return [name for name, theirs in self.parameters if theirs == kind]

    def _rule(self, kind: str, name: str) -> str:
        """For the record: the rule that denies *name*, or "none"."""
        objects = (name,) if speaks_of(self.verb, kind) else ()
        arguments = {place: (name,) for place in self._places(kind)}
        others = () if objects else (name,)
        rule = self.rights.decide(Asked(self.verb, objects, arguments, others=others)).rule
        return str(rule) if rule is not None else "none"

    def _value(self, kind: str, name: str) -> DomU | Host:
        return self.inventory.world.hosts[name] if kind == "dom0" else DomU(name)

    def _all(self, kind: str, visible: frozenset[str]) -> str:
        if kind == "domu" and not visible:
            problems = "; ".join(self.inventory.problems.values())
            return problems or _("No host lists any guest.")
        if len(visible) > 8:
            return _("!domu list shows them all.")
        return _("There are: {names}.").format(names=", ".join(sorted(visible)))
