"""What a guest answers to a line that was typed on its console."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.lab.consoles.modes import Mode

if TYPE_CHECKING:
    from bot.lab.consoles.system import System

#: root's, as in the recordings
PASSWORD = "domu"  # noqa: S105 - the lab's, which is no secret


def enter(system: System, line: str) -> None:
    """*line* was entered."""
    answer = _ANSWERS.get(system.mode)
    if answer is not None:
        answer(system, line)


def interrupt(system: System) -> None:
    """Ctrl+C was typed."""
    if system.mode is Mode.SHELL:
        system.put(system.flavour.interrupted)
        prompt(system)
    elif system.mode in {Mode.INITRAMFS, Mode.QUESTION, Mode.ECHO}:
        system.put("^C\r\n")
        _ask_again(system)


def end_of_input(system: System) -> None:
    """Ctrl+D was typed, on an empty line."""
    if system.mode is Mode.SHELL:
        _log_out(system)
    elif system.mode in {Mode.MAINTENANCE, Mode.INITRAMFS}:
        system.put("\r\n")
        system.settle()


def prompt(system: System) -> None:
    """The shell waits for a line."""
    root = system.user == "root"
    system.put(system.flavour.prompt if root else system.flavour.prompt_of_others)


def _ask_again(system: System) -> None:
    if system.mode is Mode.INITRAMFS:
        system.put("(initramfs) ")
    elif system.mode is Mode.QUESTION:
        system.mode, system.user = Mode.SHELL, "root"
        prompt(system)


def _login(system: System, line: str) -> None:
    system.user = line.strip()
    if not system.user:
        system.put(system.flavour.again)
        return
    system.mode = Mode.PASSWORD
    system.put(system.flavour.named)


def _password(system: System, line: str) -> None:
    if line == PASSWORD and system.user == "root":
        system.mode = Mode.SHELL
        system.put(system.flavour.welcome)
        prompt(system)
    else:
        system.mode, system.user = Mode.LOGIN, ""
        system.put(system.flavour.wrong)


def _shell(system: System, line: str) -> None:
    words = line.split()
    system.put(system.flavour.entered)
    if words and words[0] in {"exit", "logout"}:
        _log_out(system)
        return
    if words and words[0] == "hostname":
        system.put("@NAME@\r\n")
    elif words:
        system.put(system.flavour.unknown.format(word=words[0]))
    prompt(system)


def _log_out(system: System) -> None:
    system.mode, system.user = Mode.LOGIN, ""
    system.put(system.flavour.logout)


def _maintenance(system: System, line: str) -> None:
    system.put("\r\n")
    if line == PASSWORD:
        system.mode, system.user = Mode.SHELL, "root"
        prompt(system)
        return
    again = "Give root password for maintenance\r\n(or press Control-D to continue): "
    system.put(f"\r\nLogin incorrect\r\n\r\n{again}" if line else again)


def _initramfs(system: System, line: str) -> None:
    words = line.split()
    system.put("\r\n")
    if words == ["exit"]:
        system.settle()
        return
    if words:
        system.put(f"sh: {words[0]}: not found\r\n")
    system.put("(initramfs) ")


def _fsck(system: System, _line: str) -> None:
    # e2fsck takes Enter for the answer that it proposes
    system.put("yes\r\n\r\n/dev/xvda1: ***** FILE SYSTEM WAS MODIFIED *****\r\n")
    system.settle()


def _menu(system: System, _line: str) -> None:
    system.boot(system.boots_for)


def _question(system: System, line: str) -> None:
    system.put("\r\n" if line.strip().lower() == "y" else "\r\nAbort.\r\n")
    _ask_again(system)


def _echo(system: System, _line: str) -> None:
    system.put("\r\n")


_ANSWERS: dict[Mode, Callable[[System, str], None]] = {
    Mode.LOGIN: _login,
    Mode.PASSWORD: _password,
    Mode.SHELL: _shell,
    Mode.MAINTENANCE: _maintenance,
    Mode.INITRAMFS: _initramfs,
    Mode.FSCK: _fsck,
    Mode.MENU: _menu,
    Mode.QUESTION: _question,
    Mode.ECHO: _echo,
}
