"""``nounou audit``: the record as the file has it, whether or not a bot runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import UsageError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.core.witness import Witness

audit = typer.Typer(help=_("Look at the record of what was asked and done."), no_args_is_help=True)

_State = Annotated[
    Path | None, typer.Option(help=_("The bot's state folder, instead of a configuration."))
]


class Format(Enum):
    """What exported entries look like."""

    JSONL = "jsonl"
    SYSLOG = "syslog"


@audit.command("verify", help=_("Recompute the chain of the record and say whether it is whole."))
def verify(
    config: Annotated[
        Path | None, typer.Argument(help=_("The configuration of the bot."), show_default=False)
    ] = None,
    state: _State = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LINE",
            help=_("A line of the audit room: '#123 0123456789ab'. May be given several times."),
        ),
    ] = None,
    witness_file: Annotated[
        Path | None,
        typer.Option(help=_("A file of such lines, as copied from the room; others do no harm.")),
    ] = None,
) -> None:
    """Say what the chain says, and what witnesses say; exit status 1 where one contradicts."""
    from bot.app import hear_audit, verify_audit

    heard_of = [*_told("--witness", witness or []), *_told_in(witness_file)]
    folder = _folder(config, state)
    verdict = verify_audit(folder)
    typer.echo(verdict.sentence, err=not verdict.ok)
    whole = verdict.ok
    if heard_of:
        heard = hear_audit(folder, heard_of)
        typer.echo(heard.sentence, err=not heard.ok)
        whole = whole and heard.ok
    raise typer.Exit(0 if whole else 1)


def _told_in(file: Path | None) -> list[Witness]:
    """The witnesses in *file*."""
    if file is None:
        return []
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from error
    return _told(str(file), text.splitlines())


def _told(source: str, lines: Sequence[str]) -> list[Witness]:
    """The witnesses in *lines*; none at all is a mistake, for nothing would be compared."""
    from bot.core.witness import told

    found = told(lines)
    if lines and not found:
        raise typer.BadParameter(
            _("{source}: no line tells of the record, like #123 0123456789ab").format(source=source)
        )
    return found


@audit.command("export", help=_("Write the record to standard output, for other programs."))
def export(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG] [FILTER]...",
            help=_("The configuration, unless --state is given; then filters as in !audit search."),
            show_default=False,
        ),
    ] = None,
    state: _State = None,
    form: Annotated[
        Format, typer.Option("--format", help=_("JSON Lines, or lines of RFC 5424."))
    ] = Format.JSONL,
    after: Annotated[
        int, typer.Option(metavar="N", help=_("Leave out the entries up to this number."))
    ] = 0,
) -> None:
    """Write each wanted entry as one line, oldest first, as they are read."""
    filters = list(words or [])
    config = Path(filters.pop(0)) if state is None and filters else None
    folder = _folder(config, state)
    try:
        _write(folder, form, after, filters)
        sys.stdout.flush()
    except BrokenPipeError:
        # who reads has seen enough; what Python would still flush at its end goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(folder: Path, form: Format, after: int, filters: Sequence[str]) -> None:
    import socket
    import time
    from functools import partial

    from bot.app import read_audit
    from bot.core.audit_export import json_line, syslog_line
    from bot.core.audit_query import parse

    try:
        query = parse(filters, time.time())
    except UsageError as error:
        raise typer.BadParameter(f"{error} {error.hint}".strip()) from error
    line_of = json_line if form is Format.JSONL else partial(syslog_line, host=socket.gethostname())
    for entry in read_audit(folder, after or None):
        if query.wants(entry):
            sys.stdout.buffer.write(line_of(entry).encode("utf-8", "replace") + b"\n")


def _folder(config: Path | None, state: Path | None) -> Path:
    """The folder that *state* names, or else the configuration."""
    if (config is None) == (state is None):
        raise typer.BadParameter(_("give a configuration or --state FOLDER"))
    if state is not None:
        return state
    from bot.config import load

    assert config is not None
    return load(config).state
