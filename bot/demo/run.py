"""One run of the demonstration, from its options to its exit code."""

from __future__ import annotations

import asyncio
import math
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from bot.demo import policy
from bot.demo.folder import Folder
from bot.demo.place import Place
from bot.demo.play import Play
from bot.demo.script import Say, Step, parse
from bot.demo.stage import Stage
from bot.errors import UsageError
from bot.i18n import _
from bot.talk.transcript import printable

#: where the state of the chat lies unless told otherwise; scripts have folders of their own
STATE = Path(".lab")


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    terminal: bool = False
    #: whether everybody speaks in the plain room
    plain: bool = False
    web: bool = False
    #: a file, or ``-`` for standard input
    script: str | None = None
    timeout: float = 300.0
    policy: Path | None = None
    state: Path | None = None
    faults: tuple[str, ...] = ()
    #: other programs than the site and the bot, for tests
    programs: tuple[Sequence[str], Sequence[str]] | None = None


def run(options: Options) -> int:
    """Run the demonstration and return its exit code; raises `BotError` before anything starts."""
    if not 0 < options.timeout < math.inf:
        raise UsageError(_("--timeout takes a number of seconds above zero"))
    if options.terminal and options.plain:
        raise UsageError(_("--plain chooses a room of the homeserver, and --terminal has none"))
    if options.web and (options.terminal or options.script is not None):
        raise UsageError(_("--web takes neither --terminal nor --script"))
    cast = policy.of_file(options.policy) if options.policy else policy.of_the_lab()
    script = options.script
    if script is None and options.terminal and not sys.stdin.isatty():
        script = "-"
    if options.web:
        return _web(options, cast)
    if script is None:
        return _chat(options, cast)
    steps = parse(_read(script), [*cast.accounts])
    return _script(options, cast, steps)


def _read(script: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if script == "-" else Path(script).read_bytes()
        return raw.decode("utf-8")
    except OSError as error:
        raise UsageError(
            _("the script {file} cannot be read ({why})").format(file=script, why=error.strerror)
        ) from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UsageError(_("line {number}: this is not UTF-8 text").format(number=line)) from error


def _script(options: Options, cast: policy.Cast, steps: Sequence[Step]) -> int:
    """Play *steps* on a fresh stage, of which nothing is left afterwards."""
    if options.state is not None:
        options.state.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="nounou-", dir=options.state))
    try:
        return _perform(
            options, cast, Folder(path, _kind(options)), lambda stage: _play(options, stage, steps)
        )
    finally:
        shutil.rmtree(path, ignore_errors=True)


async def _play(options: Options, stage: Stage, steps: Sequence[Step]) -> int:
    """Play *steps*, then print what was said: the transcript alone goes to standard output."""
    play = Play(stage.place, stage.cast.members, options.timeout, stage.say)
    succeeded = await play.perform(steps)
    if not play.late:
        await stage.dismiss_bot()
    for line in stage.place.transcript.lines():
        typer.echo(line.encode())
    if play.late:
        stage.say(_("time is up after {seconds:g} s; unanswered:").format(seconds=options.timeout))
        for sentence in play.unanswered():
            stage.say(f"  {sentence}")
    return 0 if succeeded else 1


def _chat(options: Options, cast: policy.Cast) -> int:
    """A stage that stays, with a prompt if there is somebody to type at it."""
    folder = Folder(options.state or STATE, _kind(options))
    folder.take()
    try:
        if sys.stdin.isatty():
            from bot.demo.prompt import converse

            return _perform(options, cast, folder, converse)
        return _perform(options, cast, folder, lambda stage: _nobody(options, stage))
    finally:
        folder.leave()


def _web(options: Options, cast: policy.Cast) -> int:
    """A stage that stays, with a web client on it, until a signal comes."""
    from bot.demo import web

    found = web.find_node()
    folder = Folder(options.state or STATE, _kind(options))
    folder.take()
    try:
        stage = _stage(options, cast, folder)
        return asyncio.run(_until_struck(stage, lambda: web.perform(stage, found)))
    finally:
        folder.leave()


async def _nobody(options: Options, stage: Stage) -> int:
    """Nobody can type: see that the bot answers, and say so."""
    for line in stage.place.welcome():
        stage.say(line)
    play = Play(stage.place, stage.cast.members, options.timeout, stage.say)
    if not await play.perform([Say(0, stage.cast.host, "!ping")]):
        stage.say(_("the bot does not answer; see {log}").format(log=stage.folder.log("bot")))
        return 1
    stage.say(
        _("everything runs and the bot answers; standard input is no terminal, so it all ends now")
    )
    return 0


def _perform(
    options: Options, cast: policy.Cast, folder: Folder, act: Callable[[Stage], Awaitable[int]]
) -> int:
    stage = _stage(options, cast, folder)
    return asyncio.run(_until_struck(stage, lambda: stage.perform(act)))


def _stage(options: Options, cast: policy.Cast, folder: Folder) -> Stage:
    say = _speaker()
    return Stage(
        folder,
        _place(options, cast, folder, say),
        cast,
        say,
        faults=options.faults,
        programs=options.programs,
    )


async def _until_struck(stage: Stage, perform: Callable[[], Awaitable[int]]) -> int:
    """Perform; a signal takes the stage down, and no signal disturbs that."""
    performance = asyncio.current_task()
    assert performance is not None
    struck: list[int] = []

    def strike(number: int) -> None:
        if not struck and not stage.ending:
            struck.append(number)
            stage.say(_("ending"))
            performance.cancel()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup(1) asked to outlive the terminal
        numbers.append(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, strike, number)
    try:
        return await perform()
    except asyncio.CancelledError:
        if not struck:
            raise
        return 128 + struck[0]


def _place(
    options: Options, cast: policy.Cast, folder: Folder, say: Callable[[str], None]
) -> Place:
    if options.terminal:
        from bot.demo.wire import TerminalPlace

        return TerminalPlace(cast, say, folder.room)
    from bot.demo.matrix import MatrixPlace  # aiohttp takes half a second to import

    return MatrixPlace(folder, cast, say, plain=options.plain)


def _kind(options: Options) -> str:
    return "terminal" if options.terminal else "matrix"


def _speaker() -> Callable[[str], None]:
    """How the demo says what it does: short lines on standard error."""
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True)

    def say(sentence: str) -> None:
        console.print(printable(sentence), style="dim", markup=False, highlight=False, emoji=False)

    return say
