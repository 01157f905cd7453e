"""Who is sending or receiving a domain on a host: its processes, told apart by what they run.

`xl create`, `restore` and `migrate-receive` leave a monitor behind for as long as the domain lives
(95-reboot.json: it starts the domain again).  A monitor was given to process 1 and reads
``/dev/null``; whatever is not surely one counts as a transfer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output
from bot.devices.xen import Transfer

_PROCESS = re.compile(r" *([0-9]{1,10}) +([0-9]{1,10}) (.*)")
#: subcommands whose first plain word is the guest that is sent
_SENDING = ("migrate", "save", "remus")
#: subcommands that receive a domain, and may stay as its monitor
_RECEIVING = ("create", "restore", "migrate-receive")
#: options of these that take a word (xen tools/xl/xl_cmdtable.c, reference)
_WITH_VALUE = ("-s", "-C", "-i", "-N")
#: a process that runs another one's words
_WRAPPERS = ("sudo", "ssh")


@dataclass(frozen=True)
class Suspect:
    """A process that sends or receives a domain, unless it is a monitor."""

    pid: int
    guest: str
    command: str
    may_be_a_monitor: bool
    #: not the sender that somebody started: a receiver, or a helper beside either
    receives: bool = True

    def transfer(self) -> Transfer:
        return Transfer(self.pid, self.guest, self.command, self.receives)


def list_processes() -> Call[tuple[Suspect, ...]]:
    """Every process that has to do with a transfer, or looks so."""
    return Call(("ps", "-ww", "-eo", "pid=,ppid=,args="), read_processes)


def reads_nothing(pid: int) -> Call[bool]:
    """Whether the standard input of *pid* is ``/dev/null``; False where that cannot be read."""
    return Call(("sudo", "readlink", f"/proc/{pid}/fd/0"), _is_null)


def _is_null(output: Output) -> bool:
    return output.exit == 0 and output.stdout.strip() == "/dev/null"


def read_processes(output: Output) -> tuple[Suspect, ...]:
    """The suspects among all processes; a list without process 1 hides others too."""
    must_succeed(output, "ps")
    suspects: list[Suspect] = []
    pids: set[int] = set()
    for line in output.stdout.removesuffix("\n").split("\n"):
        match = _PROCESS.fullmatch(line)
        if match is None:
            raise not_understood("ps", line)
        pids.add(int(match[1]))
        suspect = _suspect(int(match[1]), int(match[2]), match[3])
        if suspect is not None:
            suspects.append(suspect)
    if 1 not in pids:
        raise not_understood("ps")
    return tuple(suspects)


def _suspect(pid: int, parent: int, command: str) -> Suspect | None:
    words = command.split()
    program = _program(words[0]) if words else ""
    unreadable = program == "[xl]" and "<defunct>" not in words
    if unreadable or program.startswith("libxl-save-helper"):
        # its words cannot be read, or its xl may be gone while it still copies
        return Suspect(pid, "", command[:200], False)
    if program in _WRAPPERS:
        words = words[
            next((i for i, word in enumerate(words) if _program(word) == "xl"), len(words)) :
        ]
    elif program != "xl":
        return None
    subcommand, rest = _subcommand(words[1:])
    if subcommand in _SENDING:
        return Suspect(pid, _guest(rest), command[:200], False, receives=False)
    if subcommand in _RECEIVING:
        return Suspect(pid, "", command[:200], program == "xl" and parent == 1)
    return None


def _program(word: str) -> str:
    return word.rpartition("/")[2]


def _subcommand(words: list[str]) -> tuple[str, list[str]]:
    """The first word that is no option of `xl` itself, and what follows it."""
    for place, word in enumerate(words):
        if not word.startswith("-"):
            return word, words[place + 1 :]
    return "", []


def _guest(words: list[str]) -> str:
    """The guest in the words of a sending command, by name or by domain id.

    Empty where it is not sure which word it is.
    """
    plain: list[str] = []
    waiting = False
    for word in words:
        if waiting:
            waiting = False
        elif word in _WITH_VALUE:
            waiting = True
        elif not word.startswith("-"):
            plain.append(word)
    return plain[0] if len(plain) == 2 else ""
