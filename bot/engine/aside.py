"""Work that takes a while and waits for nothing, done beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bot.engine.store import Store

P = ParamSpec("P")
T = TypeVar("T")


async def aside(store: Store, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """What *work* returns, done in a thread while everybody else goes on.

    It is counted with what the threads of *store* do, for loops on virtual time to wait for it.
    """
    store.in_flight += 1
    try:
        return await asyncio.to_thread(work, *args, **more)
    finally:
        store.in_flight -= 1
