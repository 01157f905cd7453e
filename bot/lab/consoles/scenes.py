"""What the console of a guest can be made to show, and what the guest does then.

The boot, the login, both shells and the kernel's lines over a prompt are from recordings of real
guests (42, 85 to 87), shortened.  The rest was never recorded: the words of Linux 6.1 and of the
programs of Debian 12 as their sources have them.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.consoles import answers
from bot.lab.consoles.modes import BUSYBOX, DEBIAN, Mode
from bot.lab.consoles.system import System

#: bytes that `flood` prints
FLOOD = 10 * 2**20


def show(system: System, scene: str) -> bool:
    """Let *system* be in *scene*; false where there is none of that name."""
    play = _PLAYS.get(scene)
    if play is None:
        return False
    play(system)
    return True


def _text(name: str, mode: Mode) -> Callable[[System], None]:
    def play(system: System) -> None:
        system.become(mode)
        system.tell(name)

    return play


def _words(name: str) -> Callable[[System], None]:
    """The kernel says something, and everything else stays as it is."""

    def play(system: System) -> None:
        system.tell(name)

    return play


def _login(system: System) -> None:
    system.flavour = DEBIAN
    system.settle()


def _session(user: str, *, busybox: bool = False) -> Callable[[System], None]:
    def play(system: System) -> None:
        system.flavour = BUSYBOX if busybox else DEBIAN
        system.settle()
        system.put(f"{user}{system.flavour.named}{system.flavour.welcome}")
        system.become(Mode.SHELL, user)
        answers.prompt(system)

    return play


def _password(system: System) -> None:
    system.become(Mode.PASSWORD, "root")
    system.tell("password")


def _flood(system: System) -> None:
    system.become(Mode.ECHO)
    line = "".join(f"{number:05d} nobody needs to read this line\r\n" for number in range(25_000))
    data = line.encode()
    system.say((data * (FLOOD // len(data) + 1))[:FLOOD])


def _cut(system: System) -> None:
    """The output ends in the middle of a letter; a Latin-1 letter stands before it."""
    system.become(Mode.ECHO)
    system.say("\r\nÀ bientôt ".encode() + b"\xe9t\xe9 " + "…".encode()[:2])


def _silent(system: System) -> None:
    system.become(Mode.SILENT)


_PLAYS: dict[str, Callable[[System], None]] = {
    "login": _login,
    "root-session": _session("root"),
    "session": _session("apprenti"),
    "busybox-session": _session("root", busybox=True),
    "password": _password,
    "panic": _text("panic", Mode.SILENT),
    "oops": _words("oops"),
    "lockup": _words("lockup"),
    "hung-task": _words("hung-task"),
    "oom": _words("oom"),
    "fsck": _text("fsck", Mode.FSCK),
    "emergency": _text("emergency", Mode.MAINTENANCE),
    "initramfs": _text("initramfs", Mode.INITRAMFS),
    "boot-menu": _text("boot-menu", Mode.MENU),
    "question": _text("question", Mode.QUESTION),
    "read-only": _words("read-only"),
    "io-error": _words("io-error"),
    "xen-timeout": _words("xen-timeout"),
    "kernel-over-prompt": _text("kernel-over-prompt", Mode.LOGIN),
    "utf8-cut": _cut,
    "flood": _flood,
    "hostile": _text("hostile", Mode.ECHO),
    "silent": _silent,
}
SCENES = tuple(sorted(_PLAYS))
