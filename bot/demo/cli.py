"""The words of ``nounou demo``.  Light: `bot.cli` imports this at every start of any command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.i18n import _


def demo(
    terminal: Annotated[
        bool, typer.Option("--terminal", help=_("No homeserver: the room is in this process."))
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help=_("Speak in the room that is not encrypted."))
    ] = False,
    web: Annotated[
        bool, typer.Option("--web", help=_("Serve a web client, until a signal ends everything."))
    ] = False,
    script: Annotated[
        str | None,
        typer.Option(metavar="FILE", help=_("Play a script (- is standard input), then end.")),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", help=_("Seconds that each wait of a script may take.")),
    ] = 300.0,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=_("Members and roles instead of the lab's, as YAML.")),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=_("Where everything is kept (default: .lab).")),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help=_("A fault of the site, NAME[:WHERE[:MATCH]].")),
    ] = None,
) -> None:
    """Start a homeserver, an embedded site and the bot on this machine, and talk to it."""
    from bot.demo.run import Options, run

    options = Options(
        terminal=terminal,
        plain=plain,
        web=web,
        script=script,
        timeout=timeout,
        policy=policy,
        state=state,
        faults=tuple(fault or ()),
    )
    raise typer.Exit(run(options))
