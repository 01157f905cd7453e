"""An event loop whose time is virtual: when nothing is ready it jumps to the next timer.

A run on it takes no longer than its work, and the same seed gives the same run.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

#: real seconds between two looks at whether other threads are done
_GLANCE = 0.02


class Deadlock(RuntimeError):
    """Every task waits, no timer is set, and no thread is at work: nothing will ever happen."""


def _idle() -> bool:
    """No thread is at work."""
    return False


class _Jump(selectors.BaseSelector):
    """A selector that lets virtual time pass in place of real time."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._real = selectors.DefaultSelector()
        self._busy = busy
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; where nothing is, time jumps by *timeout*."""
        while True:
            waits = self._busy()
            ready = self._real.select(_GLANCE if waits and timeout != 0 else 0)
            if ready or timeout == 0:
                return ready
            if not waits:
                break
        if timeout is None:
            raise Deadlock("every task waits, and nothing is left to happen")
        self.now += max(0.0, timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time that begins at 0.

    While *busy* is true, other threads are at work for the loop (a database's): then it really
    waits for them.  *busy* must stay true until what they did is seen by the loop.
    """

    def __init__(self, busy: Callable[[], bool] = _idle) -> None:
        self._jump = _Jump(busy)
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Work for the loop's own threads is done by the loop itself: time stands still for it."""
        if executor is not None:
            return super().run_in_executor(executor, func, *args)

        async def work() -> T:
            return func(*args)

        return self.create_task(work())


async def let_pass(seconds: float) -> None:
    """Let *seconds* of the loop's time go by."""
    await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T], *, busy: Callable[[], bool] = _idle) -> T:
    """Run *main* to its end on a virtual-time loop of its own."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(busy)) as runner:
        return runner.run(main)
