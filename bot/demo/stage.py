"""The whole demonstration: the site, the room and the bot, brought up and taken down together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.demo.folder import Folder
from bot.demo.keeping import CannotStart, Keeper
from bot.demo.place import Place
from bot.demo.policy import Cast
from bot.demo.process import Child, early_bot, python
from bot.errors import BotError
from bot.i18n import _

#: seconds for the site, the room and the bot to come up; a homeserver's first start is the longest
START = 120.0
#: seconds that a process gets to end by itself; the bot is told (timing: stop) to need fewer
GRACE = 8.0
#: seconds without a word, after which a bot that has ended everything has said everything: the line
#: of the record follows the last answer at once
QUIET = 0.2
#: seconds between two looks for the file in which the site says where it listens
LOOK = 0.02


class Stage:
    """Where one demonstration is set: its folder, its room, its processes."""

    def __init__(
        self,
        folder: Folder,
        place: Place,
        cast: Cast,
        say: Callable[[str], None],
        *,
        faults: Sequence[str] = (),
        programs: tuple[Sequence[str], Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self.place = place
        self.cast = cast
        self.say = say
        modules = ("bot.config", "bot.app", f"bot.chat.{folder.kind}")
        site, bot = programs or (python("-m", "bot.lab"), early_bot(*modules))
        faulty = [word for fault in faults for word in ("--fault", fault)]
        self._site = Child(
            _("the site"),
            [*site, "--state", str(folder.site), *faulty],
            folder.log("site"),
            # it takes what it started along, which a kill would not let it do
            last_word=signal.SIGTERM,
        )
        bot_process = Child(
            _("the bot"),
            [*bot, str(folder.config)],
            folder.log("bot"),
            talks=place.on_pipes,
            environment=place.environment,
        )
        self._keeper = Keeper(bot_process, place.attend, say)
        #: where everything of the site listens, once it does
        self.site: dict[str, Any] = {}
        #: whether it is being taken down, so that nothing may interrupt
        self.ending = False

    async def perform(self, act: Callable[[Stage], Awaitable[int]]) -> int:
        """Bring everything up, let *act* happen, take everything down; returns what *act* does."""
        try:
            async with asyncio.TaskGroup() as group:
                self.folder.clear()
                running = [group.create_task(self._keeper.run())]
                await self._set_up()
                running += [
                    group.create_task(self.place.listen()),
                    group.create_task(self._site_stays()),
                ]
                await self._bot_arrives()
                code = await act(self)
                for task in running:
                    task.cancel()
        except BaseExceptionGroup as several:
            raise _reason(several) from several
        finally:
            self.ending = True
            await self._take_down()
        return code

    async def dismiss_bot(self) -> None:
        """Let the bot say what it still has to say, end it, and hear its last words."""
        await self.place.transcript.quiet(QUIET)
        await self._keeper.stop(GRACE)
        await self.place.settle()

    async def _set_up(self) -> None:
        """The site and the room side by side; the bot gets itself ready meanwhile."""
        self.say(_("starting the site and the bot"))
        async with asyncio.timeout(START), asyncio.TaskGroup() as group:
            group.create_task(self.place.open())
            group.create_task(self._open_site())
        self.folder.write_config(self.cast, self.site, self.place.config())

    async def _open_site(self) -> None:
        process = await self._site.start()
        while (site := self.folder.read_site()) is None:
            if process.returncode is not None:
                raise CannotStart(
                    _("the site does not start: {end}").format(end=self._site.end()),
                    hint=self._site.last_lines(),
                )
            await asyncio.sleep(LOOK)
        self.site = site

    async def _bot_arrives(self) -> None:
        async with asyncio.timeout(START):
            await self.place.arrival()
        self._keeper.arrived.set()
        self.say(_("the bot is in the room (process {number})").format(number=self._keeper.pid))

    async def _site_stays(self) -> None:
        assert self._site.process is not None
        await self._site.process.wait()
        raise CannotStart(
            _("the site has ended: {end}").format(end=self._site.end()),
            hint=self._site.last_lines(),
        )

    async def _take_down(self) -> None:
        """The bot first, so that it sees no device vanish; then the rest at once."""
        await self._keeper.stop(GRACE)
        await asyncio.gather(self.place.close(), self._site.stop(GRACE))


def _reason(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of *several* that a person should read; a bug stays what it is."""
    errors = [*_flat(several)]
    bugs = [error for error in errors if not isinstance(error, BotError | TimeoutError)]
    for error in [*bugs, *errors]:
        if isinstance(error, TimeoutError):
            return CannotStart(_("the demonstration does not come up in time"))
        return error
    return several


def _flat(several: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        found
        for error in several.exceptions
        for found in (_flat(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
