"""An iLO's command line: one line in, one answer out.

The form of an answer, of `power` and of `show /system1` is that of public transcripts and fixtures
(reference D), and so are the refusals of `start`, `stop` and `reset`; from memory are the tags
COMMAND SYNTAX ERROR and INVALID TARGET, `power warm`, and which verbs a target lists.
"""

from __future__ import annotations

import textwrap
import time

from bot.lab.ilo.processor import Ilo

PROMPT = "</>hpiLO-> "
BUSY = "\r\nVirtual Serial Port is currently in use by another session.\r\n"

_SYNTAX, _TARGET = "COMMAND SYNTAX ERROR", "INVALID TARGET"
_UNSPECIFIED = "COMMAND ERROR-UNSPECIFIED"
_CUT = "Forcing server power off .......\nPlease wait 6 seconds for this operation to complete."
_LOGS = ("/system1/log1", "/map1/log1")


class Failed(Exception):
    """The command cannot be carried out: the error's tag, and what is said beside it."""

    def __init__(self, tag: str, text: str = "") -> None:
        super().__init__(text)
        self.tag = tag


class Cli:
    """The command line of *ilo*, for one session."""

    def __init__(self, ilo: Ilo) -> None:
        self._ilo = ilo

    def banner(self, user: str, address: str) -> str:
        """What is printed after the login."""
        ilo = self._ilo
        return (
            f"User:{user} logged-in to {ilo.name}({address})\r\n{ilo.generation.banner}\r\n"
            f"Server Name: {ilo.host.name}\r\nServer Power: {self._power()}\r\n\r\n"
        )

    def answer(self, line: str) -> str:
        """Carry out *line*; what is printed between its echo and the next prompt."""
        words = line.split()
        if not words:
            return ""
        try:
            body = self._carry_out(words[0].lower(), words[1:])
        except Failed as failed:
            status = ("status=2", "status_tag=COMMAND PROCESSING FAILED", f"error_tag={failed.tag}")
            return self._framed(status, str(failed), blank=1)
        return self._framed(("status=0", "status_tag=COMMAND COMPLETED"), body, blank=3)

    def _framed(self, status: tuple[str, ...], body: str, *, blank: int) -> str:
        lines = ["", *status]
        if self._ilo.generation.dated:
            wall = time.gmtime(self._ilo.world.clock.wall())
            lines.append(time.strftime("%a %b %d %H:%M:%S %Y", wall))
        else:
            blank = min(blank, 2)
        lines += [""] * blank + body.splitlines() + ["", "", ""]
        return "\r\n".join(lines)

    def _carry_out(self, verb: str, words: list[str]) -> str:
        if verb == "power":
            return self._power_command(tuple(word.lower() for word in words))
        target = _path(words[0]) if words else ""
        if verb == "show":
            return self._show(target or "/", words[1:])
        if verb == "start" and target == "/system1":
            return self._switch_on()
        if verb == "stop" and target == "/system1":
            return self._switch_off()
        if verb == "reset" and target == "/system1":
            return self._reset("Resetting server.")
        if verb == "stop" and target == "/system1/oemhp_vsp1":
            self._ilo.free_port()
            return ""
        raise Failed(_TARGET if verb in {"start", "stop", "reset"} else _SYNTAX)

    def _power(self) -> str:
        return "On" if self._ilo.host.powered else "Off"

    def _power_command(self, words: tuple[str, ...]) -> str:
        if not words:
            return f"power: server power is currently: {self._power()}"
        if words == ("on",):
            return self._switch_on()
        if words == ("off",):
            return self._switch_off()
        if words == ("off", "hard"):
            self._needs_power("Server power already off.")
            self._ilo.power.lose()
            return _CUT
        if words == ("reset",):
            return self._reset("Server resetting .......")
        if words == ("warm",):
            return self._reset("Forcing server warm boot .......")
        raise Failed(_SYNTAX)

    def _switch_on(self) -> str:
        if self._ilo.host.powered:
            raise Failed(_UNSPECIFIED, "Server power already on.")
        self._ilo.power.switch_on()
        return "Server powering on ......."

    def _switch_off(self) -> str:
        self._needs_power("Server power already off.")
        self._ilo.power.press()
        return "Server powering off ......."

    def _reset(self, said: str) -> str:
        self._needs_power("Server power off.")
        self._ilo.power.reset()
        return said

    def _needs_power(self, otherwise: str) -> None:
        if not self._ilo.host.powered:
            raise Failed(_UNSPECIFIED, otherwise)

    def _show(self, target: str, only: list[str]) -> str:
        targets, properties, verbs = self._target(target)
        wanted = {word.lower() for word in only}
        chosen = [row for row in properties if row.partition("=")[0] in wanted]
        lines = [target]
        if wanted:
            lines += ["  Properties", *self._properties(chosen)]
        else:
            lines += ["  Targets", *(f"    {name}" for name in targets)]
            lines += ["  Properties", *self._properties(properties)]
            lines += ["  Verbs", f"    {verbs}"]
        return "\n".join(lines)

    def _properties(self, rows: list[str]) -> list[str]:
        columns = self._ilo.generation.wraps
        if not columns:
            return [f"    {row}" for row in rows]
        return [
            line
            for row in rows
            for line in textwrap.wrap(
                row, columns, initial_indent=" " * 4, subsequent_indent=" " * 17
            )
        ]

    def _target(self, target: str) -> tuple[list[str], list[str], str]:
        """The targets below *target*, its properties and its verbs."""
        ilo, records = self._ilo, self._ilo.log.records
        if target == "/":
            return ["system1", "map1"], [], "cd version exit show"
        if target == "/map1":
            return ["firmware1", "log1"], [], "cd version exit show reset"
        if target == "/map1/firmware1":
            return [], [*ilo.generation.firmware], "cd version exit show load"
        if target == "/system1":
            properties = [
                f"name={ilo.generation.server}",
                f"number={ilo.shown_serial_number}",
                f"oemhp_server_name={ilo.host.name}",
                f"enabledstate={'enabled' if ilo.host.powered else 'disabled'}",
            ]
            below = ["firmware1", "led1", "log1", "oemhp_vsp1"]
            return below, properties, "cd version exit show reset set start stop"
        if target in _LOGS:
            return [f"record{one.number}" for one in records], [], "cd version exit show delete"
        for record in records:
            if target in (f"{log}/record{record.number}" for log in _LOGS):
                return [], [*record.properties], "cd version exit show"
        raise Failed(_TARGET)


def _path(word: str) -> str:
    """*word* as a path from the root; people leave the slash out there."""
    return "/" + word.strip("/").lower()
