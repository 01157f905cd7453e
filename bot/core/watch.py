"""A watch: one thing that the bot looks at by itself, now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.core.alerts import Sight

if TYPE_CHECKING:
    from types import ModuleType

#: looks once; what it gets is the engine's `bot.engine.watching.Look`
Looking = Callable[[Any], Awaitable[Sight]]


@dataclass(frozen=True)
class Watch:
    """What is looked at, and how often."""

    name: str
    look: Looking
    #: seconds between two looks, where the config says nothing
    every: float
    #: how many looks in a row have to agree before a new alert fires
    looks: int = 1

    @property
    def summary(self) -> str:
        """The first line of what the function says of itself."""
        return (self.look.__doc__ or "").strip().partition("\n")[0]


def watch(name: str, *, every: float, looks: int = 1) -> Callable[[Looking], Watch]:
    """Declare the decorated coroutine to be the watch *name*.

    It gets a `Look` and returns a `Sight`: all that is wrong now.  A new finding has to be there in
    so many *looks* in a row before it becomes an alert.
    """
    return lambda look: Watch(name, look, every, looks)


def watches_in(modules: list[ModuleType]) -> list[Watch]:
    """The watches that *modules* define; raises `RuntimeError` where two have one name."""
    found: dict[str, Watch] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Watch) and value.look.__module__ == module.__name__:
                if value.name in found:
                    raise RuntimeError(f"two watches are named {value.name!r}")
                found[value.name] = value
    return list(found.values())
