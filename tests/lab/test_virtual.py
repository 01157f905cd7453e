"""The virtual-time loop."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from bot.lab import virtual


def test_an_hour_passes_in_no_time_and_in_order() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        woken: list[float] = []

        async def nap(seconds: float) -> None:
            await virtual.let_pass(seconds)
            woken.append(loop.time())

        async with asyncio.TaskGroup() as group:
            for seconds in (3600.0, 1.0, 60.0):
                group.create_task(nap(seconds))
        return woken

    before = time.monotonic()
    assert virtual.run(main()) == [1.0, 60.0, 3600.0]
    assert time.monotonic() - before < 5


def test_a_timeout_strikes_in_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert virtual.run(main()) == 30


def test_while_a_thread_is_at_work_time_stands_still() -> None:
    done = threading.Event()
    at_work = [True]

    async def main() -> float:
        loop = asyncio.get_running_loop()
        answered = loop.create_future()

        def work() -> None:
            done.wait(10)
            loop.call_soon_threadsafe(answered.set_result, None)

        thread = threading.Thread(target=work)
        thread.start()
        loop.call_later(60, lambda: None)
        loop.call_soon(done.set)
        await answered
        at_work[0] = False
        thread.join()
        return loop.time()

    assert virtual.run(main(), busy=lambda: at_work[0]) == 0


def test_a_loop_on_which_nothing_can_happen_any_more_says_so() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(virtual.Deadlock):
        virtual.run(main())
