"""HP's and HPE's iLO 2 to 7 by their command line (field reference D).

Every answer begins with a status, a word for it and a date; only what follows is the body.  The
properties of ``/system1`` are those of HP's scripting guides (``number`` is the serial number); the
records of the event log are as an iLO 2 prints them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.text import clean
from bot.devices.console import ConsoleHeld
from bot.devices.power import LightsOut, LogEntry, Power, PowerChange, Server
from bot.devices.said import not_understood, plain
from bot.devices.session import Call, Output, T, Visit
from bot.errors import DeviceError, OutcomeUnknown
from bot.i18n import _

#: ESC, then an opening bracket: back from the serial port to the prompt
LEAVE = b"\x1b("
_STATUS = re.compile(r"^\s*(status|status_tag|error_tag)=(.*?)\s*$", re.MULTILINE)
_POWER = re.compile(r"server power is currently:\s*(on|off)\b", re.IGNORECASE)
_RECORD = re.compile(r"record([0-9]{1,9})")
_HELD = re.compile(r"currently in use by another session", re.IGNORECASE)
#: what it says before it shows the port
_OPENED = re.compile(
    r"\A(?:[^\n]*\n){0,8}?[^\n]*Press 'ESC \(' to return to the CLI Session\.[ \t]*\n?"
    # older ones print their prompt once more, and which port it is, only then
    r"(?:\s*\S*iLO-> Virtual Serial Port active: [^\n]*\n)?"
)

_WORDS = {
    PowerChange.ON: ("power", "on"),
    PowerChange.OFF: ("power", "off"),
    PowerChange.CUT: ("power", "off", "hard"),
    PowerChange.RESET: ("power", "reset"),
}
#: what it says where there is nothing to change (from memory: "Server power already on.")
_ALREADY = re.compile(r"already (on|off)\b", re.IGNORECASE)
#: what it says when a change is under way: "Server powering on", "Forcing server power off", …
_UNDER_WAY = re.compile(r"power|reset", re.IGNORECASE)


class Ilo(LightsOut):
    """One iLO."""

    driver = "ilo"
    prompt = re.compile(r"(?:<\/[^>]*>)?hpe?iLO->\s*$")

    async def server(self) -> Server:
        system = await self._read("/system1", ("show", "/system1"))
        firmware = await self._read("/map1/firmware1", ("show", "/map1/firmware1"))
        if not system.get("number"):
            raise not_understood("show /system1")
        return Server(
            serial=clean(system["number"].strip(), 40),
            model=clean(system.get("name", ""), 100),
            name=clean(system.get("oemhp_server_name", ""), 100),
            firmware=clean(
                f"{firmware.get('name', '')} {firmware.get('version', '')}".strip(), 100
            ),
        )

    async def power(self) -> Power:
        return await self.session.run(Call(("power",), self._judged(_power)))

    async def change(self, change: PowerChange) -> None:
        def under_way(body: str) -> None:
            if not (_UNDER_WAY.search(body) or _ALREADY.search(body)):
                sentence = _("{name} did not say what it does with the power: {said}")
                raise OutcomeUnknown(sentence.format(name=self.name, said=plain(body)))

        parse = self._judged(under_way, changes=True)
        await self.session.run(Call(_WORDS[change], parse, changes=True))

    async def log(self, last: int) -> tuple[LogEntry, ...]:
        found = await self.session.run(Call(("show", "/system1/log1"), self._judged(_targets)))
        entries = []
        for number in sorted(found, reverse=True)[:last]:
            path = f"/system1/log1/record{number}"
            record = await self._read(path, ("show", path))
            entries.append(
                LogEntry(
                    number,
                    clean(record.get("severity", ""), 40),
                    clean(f"{record.get('date', '')} {record.get('time', '')}".strip(), 40),
                    clean(record.get("description", ""), 300),
                )
            )
        return tuple(entries)

    async def view_serial(self, seconds: float) -> str:
        visit = Visit(LEAVE, quiet=seconds, longest=seconds)
        return await self.session.run(Call(("vsp",), self._serial, visit=visit))

    async def free_serial(self) -> None:
        words = ("stop", "/system1/oemhp_vsp1")
        await self.session.run(Call(words, self._judged(_nothing, changes=True), changes=True))

    async def _read(self, path: str, words: tuple[str, ...]) -> dict[str, str]:
        def read(body: str) -> dict[str, str]:
            if not (found := properties(body)):
                raise not_understood(f"show {path}", body)
            return found

        return await self.session.run(Call(words, self._judged(read)))

    def _serial(self, output: Output) -> str:
        if opened := _OPENED.match(output.stdout):
            # the last line feed comes with the prompt: the cursor was left before it
            return output.stdout[opened.end() :].removesuffix("\n")
        if _HELD.search(output.stdout):
            sentence = _("Somebody else has the serial port of {name}.")
            raise ConsoleHeld(sentence.format(name=self.name))
        self._demand(Status.of(output.stdout))
        raise not_understood("vsp", output.stdout)

    def _judged(self, parse: Callable[[str], T], *, changes: bool = False) -> Callable[[Output], T]:
        """Read a body by *parse* once its status says that the command was completed."""

        def read(output: Output) -> T:
            status = Status.of(output.stdout)
            # what was refused was not made, and what was completed was; of all else nobody knows
            if changes and not (status.refused or status.completed):
                sentence = _("{name} did not say whether it took a change; it may have been made.")
                raise OutcomeUnknown(sentence.format(name=self.name))
            self._demand(status)
            return parse(status.body)

        return read

    def _demand(self, status: Status) -> None:
        """Raise `DeviceError` unless *status* says that the command was completed."""
        if status.code is None:
            raise not_understood(self.name, status.body)
        if not status.completed:
            said = " · ".join(filter(None, (status.error, status.tag, status.body)))
            sentence = _("{name} answered: {said}")
            raise DeviceError(sentence.format(name=self.name, said=plain(said)))


@dataclass(frozen=True)
class Status:
    """The head of an answer, and what follows it."""

    #: None where there is none
    code: int | None
    tag: str
    error: str
    body: str

    @property
    def completed(self) -> bool:
        return self.code == 0 and self.tag.upper() == "COMMAND COMPLETED"

    @property
    def refused(self) -> bool:
        """Whether it says that it did not do it."""
        return self.code == 2 and self.tag.upper() == "COMMAND PROCESSING FAILED"

    @classmethod
    def of(cls, text: str) -> Status:
        """Read *text*; never raises."""
        found = {"status": "", "status_tag": "", "error_tag": ""}
        end = 0
        for match in _STATUS.finditer(text):
            if found[match[1]] or (end and text[end : match.start()].strip()):
                # the head is one block, and this is of the body
                break
            found[match[1]] = match[2]
            end = match.end()
        code = int(found["status"]) if re.fullmatch(r"[0-9]{1,6}", found["status"]) else None
        return cls(code, found["status_tag"], found["error_tag"], text[end:].strip())


def _power(body: str) -> Power:
    match = _POWER.search(body)
    if match is None:
        raise not_understood("power", body)
    return Power(match[1].lower())


def properties(body: str) -> dict[str, str]:
    """The properties that a ``show`` lists; a line without a name goes on with the one before."""
    found: dict[str, str] = {}
    last = section = ""
    for line in map(str.strip, body.splitlines()):
        if line in ("Targets", "Properties", "Verbs"):
            section, last = line, ""
        elif section == "Properties" and line:
            name, equals, value = line.partition("=")
            if equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                last = name
                # what stands there first counts: below may be what a log entry quotes
                found.setdefault(name, value.strip())
            elif last:
                found[last] = f"{found[last]} {line}".strip()
    return found


def _targets(body: str) -> frozenset[int]:
    """The numbers of the records that are listed."""
    found: set[int] = set()
    section = ""
    for line in map(str.strip, body.splitlines()):
        if line in ("Targets", "Properties", "Verbs"):
            section = line
        elif section == "Targets" and (match := _RECORD.fullmatch(line)):
            found.add(int(match[1]))
    return frozenset(found)


def _nothing(_body: str) -> None:
    """There is nothing to read in it."""
