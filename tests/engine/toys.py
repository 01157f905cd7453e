"""Commands that tests make: each does one thing of the engine and nothing of the world."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.app import registry_of
from bot.core.command import Command, Registry, command
from bot.core.plan import Line, Plan, PlannedStep, Thing, Verdict
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.engine.context import Context
from bot.params import Word

Work = Callable[[Context], Awaitable[Reply | None]]


@dataclass
class Toys:
    """The commands, and what they did, in order."""

    done: list[str] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    #: what `change NAME` does while it runs, by name
    work: dict[str, Work] = field(default_factory=dict)
    #: the keys that `change NAME` needs, by name; by default the one of its name
    keys: dict[str, frozenset[str]] = field(default_factory=dict)
    #: what the plan finds, by how often it was made
    lines: list[Line] = field(default_factory=list)
    essence: list[str] = field(default_factory=list)
    planned: int = 0
    #: the steps and things of the plan of `burn NAME`, and the class that it raises it to
    steps: list[str] = field(default_factory=lambda: ["burn it down"])
    touches: set[tuple[Thing, str]] = field(default_factory=set)
    raises: Risk | None = None
    #: what to do in recovery and when settling; without one, there is none
    recovers: Work | None = None
    settles: Work | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def _did(self, what: str) -> None:
        self.done.append(what)
        self._news.set()
        self._news = asyncio.Event()

    async def until(self, what: str, times: int = 1) -> None:
        """Return once *what* was done so often."""
        async with asyncio.timeout(4_000):
            while self.done.count(what) < times:
                await self._news.wait()

    def gate(self, name: str) -> asyncio.Event:
        """The event that `wait NAME` and `change NAME` wait for."""
        return self.gates.setdefault(name, asyncio.Event())

    def registry(self) -> Registry:
        """The real commands, and the toys."""
        registry = registry_of(["commands"])
        for each in self._commands():
            registry.add(each)
        return registry

    def _commands(self) -> Iterable[Command]:
        yield self._wait()
        yield self._change()
        yield self._fail()
        yield self._burn()

    def _wait(self) -> Command:
        @command("wait", needs="toy.wait")
        async def wait(ctx: Context, name: Word) -> Reply:
            """Wait until the gate opens, reading only."""
            self._did(f"begin {name}")
            await self.gate(name).wait()
            self._did(f"end {name}")
            return Reply(f"waited for {name}")

        return wait

    def _fail(self) -> Command:
        @command("fail", needs="toy.fail")
        async def fail(ctx: Context, name: Word) -> Reply:
            """Have a bug."""
            raise ZeroDivisionError(f"secret of {name}")

        return fail

    def _change(self) -> Command:
        @command("change", needs="toy.change", risk="changes")
        async def change(ctx: Context, name: Word, *, dry_run: bool = False) -> Reply:
            """Change something that is called NAME."""
            self._did(f"begin {name}")
            if name in self.gates:
                await self.gates[name].wait()
            reply = await self.work[name](ctx) if name in self.work else None
            self._did(f"end {name}")
            return reply or Reply(f"changed {name}")

        @change.plan
        async def _plan(ctx: Context, name: str, *, dry_run: bool = False) -> Plan:
            self.planned += 1
            self._did(f"plan {name}")
            keys = self.keys.get(name, frozenset({f"toy/{name}"}))
            line = self.lines[min(self.planned, len(self.lines)) - 1] if self.lines else None
            lines = (line or Line(Verdict.YES, f"{name} is there"),)
            return Plan(
                lines,
                keys=keys,
                essence=tuple(self.essence),
                risk=self.raises,
                facts=self.planned,
            )

        self._after_a_crash(change)
        return change

    def _burn(self) -> Command:
        @command("burn", needs="toy.burn", risk="destroys")
        async def burn(ctx: Context, name: Word) -> Reply:
            """Destroy something that is called NAME."""
            async with ctx.step(f"burn {name} down", changes=True):
                self._did(f"burn {name}")
            return Reply(f"burnt {name}")

        @burn.plan
        async def _plan(ctx: Context, name: str) -> Plan:
            steps = tuple(PlannedStep("oven", step) for step in self.steps)
            keys = self.keys.get(name, frozenset({f"toy/{name}"}))
            return Plan(steps=steps, keys=keys, touches=frozenset(self.touches), risk=self.raises)

        return burn

    def _after_a_crash(self, change: Command) -> None:
        if self.recovers is not None:
            change.recover(self._handler(self.recovers))
        if self.settles is not None:
            change.settle(self._handler(self.settles))

    @staticmethod
    def _handler(work: Work) -> Callable[..., Awaitable[Any]]:
        async def handle(ctx: Context, name: str, *, dry_run: bool = False) -> Any:
            return await work(ctx) or Reply(f"looked after {name}")

        return handle
