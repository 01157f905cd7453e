"""What a session to an iLO gives its caller, without a wire: no echo, no prompt, line feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.devices.session import Output, Visit
from bot.lab.ilo.cli import BUSY
from bot.lab.ilo.processor import Ilo


def plain(text: str) -> str:
    """*text* as a session gives it."""
    return text.replace("\r\n", "\n").lstrip("\n")


async def visited(ilo: Ilo, visit: Visit, told: Callable[[bytes], None]) -> Output:
    """What *visit* sees of `vsp` on *ilo*, and how many of its keys were typed; *told* of each."""
    if ilo.port_taken:
        return Output(plain(BUSY))
    news, over = asyncio.Event(), asyncio.Event()
    seen = [ilo.generation.vsp, ilo.port.text]
    typed = 0

    def shown(text: str) -> None:
        seen.append(text)
        news.set()

    with ilo.on_port(shown, over.set):
        await _look(visit, news)
        for key in visit.keys:
            if over.is_set() or not visit.may_type(plain("".join(seen))):
                break
            told(key)
            ilo.port.type(key.decode("latin-1"))
            typed += 1
            await _look(visit, news)
    return Output(plain("".join(seen) + "\r\n"), typed=typed)


async def _look(visit: Visit, news: asyncio.Event) -> None:
    """Read until nothing came for a while, or long enough in all."""
    end = asyncio.get_running_loop().time() + visit.longest
    while (left := end - asyncio.get_running_loop().time()) > 0:
        news.clear()
        try:
            async with asyncio.timeout(min(visit.quiet, left)):
                await news.wait()
        except TimeoutError:
            return
