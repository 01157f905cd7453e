"""The array's command line: one line in, one answer out; what a session has set up."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bot.lab.array.rows import Row, as_text, as_xml, status
from bot.lab.array.shows import BUNDLE, SHOWS, NotFound
from bot.lab.clock import Clock
from bot.lab.volumes import Array

#: wording from memory; only the number counts (reference A.2: invalid argument)
_NOT_UNDERSTOOD = -10007
#: refused: this array of the lab only reads; the number is the lab's own
_ONLY_READS = -10000


@dataclass
class Settings:
    """What `set cli-parameters` has set in one session."""

    xml: bool = False
    pager: bool = True
    brief: bool = False


class Cli:
    """One session's command line on *array*."""

    def __init__(self, array: Array, clock: Clock) -> None:
        self._array = array
        self._clock = clock
        self.settings = Settings()

    def banner(self) -> str:
        """What is printed after the login (from memory, reference A.1)."""
        return (
            "\nHP StorageWorks P2000 G3 iSCSI\n"
            f"System Name: {self._array.name}\nSystem Location: lab\nVersion: {BUNDLE}\n"
        )

    def answer(self, line: str) -> str:
        """Carry out *line*; text with line feeds, in the form that the session has set."""
        words = [word.strip('"') for word in line.split()]
        if not words:
            return ""
        rows = self._carry_out(words)
        if self.settings.xml:
            return as_xml(line, rows, brief=self.settings.brief)
        return as_text(rows)

    def failure(self, code: int, text: str) -> str:
        """A status object alone."""
        rows = [self._status(code, text)]
        return as_xml("", rows, brief=False) if self.settings.xml else as_text(rows)

    def _carry_out(self, words: list[str]) -> list[Row]:
        if words[:2] == ["set", "cli-parameters"]:
            return [self._set(words[2:])]
        show = SHOWS.get(words[1]) if words[0] == "show" and len(words) > 1 else None
        if show is not None:
            try:
                rows = show(self._array, words[2:])
            except NotFound as error:
                return [self._status(error.code, str(error))]
            return [*rows, self._status(0, "Command completed successfully.")]
        if words[0] in _CHANGES:
            return [self._status(_ONLY_READS, "Command failed. - This array only reads.")]
        return [self._status(_NOT_UNDERSTOOD, f"The command is not recognized. ({words[0]})")]

    def _set(self, words: list[str]) -> Row:
        """The parameters are bare words or pairs (reference A.1)."""
        queue = list(words)
        while queue:
            name = queue.pop(0)
            if name in {"api", "api-embed", "console"}:
                self.settings.xml = name != "console"
            elif name in _PAIRS and queue:
                self._set_pair(name, queue.pop(0))
            else:
                return self._status(_NOT_UNDERSTOOD, f"The parameter is not valid. ({name})")
        return self._status(0, "Command completed successfully. - CLI parameters were changed.")

    def _set_pair(self, name: str, value: str) -> None:
        on = value in {"on", "enabled"}
        if name == "pager":
            self.settings.pager = on
        elif name == "brief":
            self.settings.brief = on
        elif name == "output-format":
            self.settings.xml = value != "console"

    def _status(self, code: int, text: str) -> Row:
        wall = self._clock.wall()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(wall))
        return status(code, text, stamp, int(wall))


_PAIRS = frozenset(
    {"pager", "brief", "output-format", "timeout", "base", "precision", "units"}
    | {"locale", "temperature-scale", "management-mode"}
)
_CHANGES = frozenset(
    {"create", "map", "unmap", "expand", "delete", "set", "rollback", "volumecopy", "copy"}
    | {"clear", "restart", "shutdown", "trust", "abort", "rescan", "reset"}
)
