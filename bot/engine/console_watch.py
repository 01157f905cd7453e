"""Watching a console for a while: one message that changes as the screen does."""

from __future__ import annotations

import asyncio

from bot.core.console_text import headline, screen_text
from bot.core.render import duration
from bot.engine import at_console
from bot.engine.at_console import Seat
from bot.engine.consoles import Shot
from bot.engine.context import Context
from bot.errors import DeviceError, Refused
from bot.i18n import _

#: looks in a row in which a guest is nowhere before it counts as gone: one that reboots is, too
GONE_AFTER = 3


async def follow(ctx: Context, seat: Seat, seconds: float) -> tuple[Shot, str]:
    """The last that the console of *seat* showed within *seconds*, and why that was the end of it.

    A guest that reboots or moves is followed.  What cannot be read is shown as that, and looked at
    again; raises as drivers do where it never could be.
    """
    watching = _Watching(ctx, seat)
    title = _("watch the console of {guest} for {time}").format(
        guest=seat.guest, time=duration(seconds)
    )
    async with ctx.step(title):
        return await watching.run(seconds)


class _Watching:
    def __init__(self, ctx: Context, seat: Seat) -> None:
        self._ctx = ctx
        self._seat = seat
        self._last: Shot | None = None
        self._trouble: DeviceError | Refused | None = None
        self._told = ""
        self._missed = 0

    async def run(self, seconds: float) -> tuple[Shot, str]:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            await self._look()
            if self._missed >= GONE_AFTER:
                ended = _("{guest} is gone; it was on {host}.").format(
                    guest=self._seat.guest, host=self._seat.host
                )
                break
            pause = min(self._ctx.console_rules.watch_every, end - loop.time())
            if pause <= 0:
                ended = _("Watched for {time}.").format(time=duration(seconds))
                break
            await asyncio.sleep(pause)
            self._ctx.give_up()
        if self._last is None:
            assert self._trouble is not None  # each look gives a shot or a trouble
            raise self._trouble
        return self._last, ended

    async def _look(self) -> None:
        """Look once, and tell what is new."""
        there = await at_console.seats(self._ctx, self._seat.guest)
        # nobody knows whether it is on a host that does not answer
        self._missed = 0 if there.found or there.silent else self._missed + 1
        try:
            self._seat = await at_console.find(self._ctx, self._seat.guest)
            self._last = await at_console.see(self._ctx, self._seat)
        except (DeviceError, Refused) as error:
            return await self._troubled(error)
        shot = self._last
        await self._tell(headline(shot.whose, shot.notices), screen_text(shot.screen))

    async def _troubled(self, error: DeviceError | Refused) -> None:
        self._trouble = error
        await self._tell(str(error))

    async def _tell(self, text: str, details: str = "") -> None:
        if self._told != (told := f"{text}\n{details}"):
            self._told = told
            await self._ctx.progress(text, details)
