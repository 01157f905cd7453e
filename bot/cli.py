"""The command line, and the only place that sets up logging and signals.

Everything heavy is imported by the command that needs it, so that ``nounou --help`` is instant.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

from bot import __version__
from bot.cli_audit import audit
from bot.errors import BotError
from bot.i18n import _, use

if TYPE_CHECKING:
    from types import FrameType

    from bot.config import Config
    from bot.config_file import Problem

app = typer.Typer(
    name="nounou",
    help=_("A Matrix chat-ops bot for Xen hosts and their storage array."),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(audit, name="audit")


def main() -> None:
    """Run the command line; what went wrong is one sentence on standard error and exit status 2."""
    from bot.demo.cli import demo
    from bot.talk.cli import chat

    app.command("chat")(chat)
    app.command("demo")(demo)
    try:
        app()
    except BotError as error:
        typer.echo(_sentence(error), err=True)
        sys.exit(2)
    except Exception:  # noqa: BLE001 - the fence around the command line
        _log_a_bug()
        sys.exit(70)


def _sentence(error: BotError) -> str:
    if not error.hint:
        return _("nounou: {error}").format(error=error)
    return _("nounou: {error} ({hint})").format(error=error, hint=error.hint)


def _log_a_bug() -> None:
    """Log the traceback of what nobody foresaw, and say a sentence with its reference."""
    import secrets

    import structlog

    log_to_stderr()
    reference = secrets.token_hex(2)
    structlog.get_logger().exception("internal error", ref=reference)
    typer.echo(_("nounou: internal error, ref {ref}").format(ref=reference), err=True)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(_("nounou {version}").format(version=__version__))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help=_("Say the version.")),
    ] = False,
) -> None:
    """Options that stand before any command."""


@app.command(help=_("Run the bot until it is told to stop (Ctrl-C, or a TERM signal)."))
def run(
    config: Annotated[Path, typer.Argument(help=_("The configuration, see config.example.yaml."))],
) -> None:
    """Load the configuration and hand it to the bot."""
    from bot.config import load

    settings = load(config)
    use(settings.language)
    log_to_stderr()
    end_on_signals()
    from bot import app as bot

    try:
        code = bot.run(settings, config)
    except KeyboardInterrupt:
        code = 0
    raise typer.Exit(code)


@app.command("check-config", help=_("Say each error of a configuration, with its line."))
def check_config(
    file: Annotated[Path, typer.Argument(help=_("The configuration to look at."))],
) -> None:
    """Print every problem; exit status 1 where there is one."""
    from bot.config import load, problems

    found = problems(file)
    for problem in found:
        typer.echo(_("{file}: {problem}").format(file=file, problem=problem), err=True)
    if found:
        raise typer.Exit(1)
    config = load(file)
    notices = _held_against_commands(file, config)
    typer.echo(_("{file} is right.").format(file=file))
    for notice in notices:
        typer.echo(_("{file}: {problem}").format(file=file, problem=notice))
    typer.echo(_summary(config))
    if config.chat.kind == "matrix":
        typer.echo(_("Encrypt the rooms: in a plain one a homeserver can forge anyone."))


def _held_against_commands(file: Path, config: Config) -> list[Problem]:
    """What is odd in the rights of *config*.

    Ends with exit status 1 where one means nothing, or where it names a watch that there is not.
    """
    from bot.app import known_watches, registry_of
    from bot.policies import fit, strange_calls, strange_watches

    found = fit(file, config, registry_of(config.commands))
    strange = [*strange_calls(file, config), *strange_watches(file, config, known_watches())]
    wrong = sorted([*found.wrong, *strange])
    for problem in wrong:
        typer.echo(_("{file}: {problem}").format(file=file, problem=problem), err=True)
    if wrong:
        raise typer.Exit(1)
    return found.notices


def _summary(config: Config) -> str:
    """What the configuration amounts to, so that a wrong file is noticed."""
    return _(
        "Site {site}, chat {chat}, room {room}; Dom0s: {hosts}; arrays: {arrays}; "
        "members: {members}; roles: {roles}."
    ).format(
        site=config.site,
        chat=config.chat.kind,
        room=config.rooms.main,
        hosts=", ".join(config.hosts),
        arrays=", ".join(config.arrays) or "-",
        members=", ".join(config.members) or "-",
        roles=", ".join(config.roles) or "-",
    )


def end_on_signals() -> None:
    """Make TERM end the bot as Ctrl-C does: asyncio cancels its main task on INT.

    A shell that starts a program in the background may have told it to ignore INT.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _as_ctrl_c)


def _as_ctrl_c(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.raise_signal(signal.SIGINT)


class _StandardError:
    """Where logs go; a line that a full disk does not take is let go, and the bot lives on."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def log_to_stderr() -> None:
    """Write logs to standard error: for people on a terminal, as JSON lines elsewhere.

    The libraries' own logs start at warnings: below that they may hold what was typed or sent.
    Tracebacks come without the values of variables, which may be secrets.
    """
    import logging

    import structlog
    from structlog.typing import Processor

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    for_people = sys.stderr.isatty()
    ending: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
