"""What runs in a guest, as far as its console shows it: boot, login, a shell, the kernel's words.

After the recordings 85 to 87 and 91.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from bot.lab.clock import Clock
from bot.lab.consoles import answers, texts
from bot.lab.consoles.console import Console
from bot.lab.consoles.modes import DEBIAN, Flavour, Mode
from bot.lab.domains import Domain, Life

#: in so many pieces a boot is printed
_PIECES = 8


class System:
    """One guest; it keeps its state wherever it moves."""

    def __init__(self, domain: Domain, clock: Clock) -> None:
        self._born_in = domain
        self._clock = clock
        self._domain = domain
        self._console: Console | None = None
        #: what could not happen while the guest was paused
        self._late: list[Callable[[], None]] = []
        self.flavour: Flavour = DEBIAN
        self.mode = Mode.SILENT
        #: who is logged in
        self.user = ""
        #: everything that was typed, for tests
        self.typed = bytearray()
        self._line = bytearray()
        #: seconds that it takes to boot
        self.boots_for = 0.0

    @property
    def name(self) -> str:
        """The guest's own name, whatever `xl` calls its domain now."""
        return self._domain.guest.name

    @property
    def uptime(self) -> float:
        return self._clock.now() - self._born_in.born

    def sit_at(self, console: Console, domain: Domain) -> None:
        """Print on *console* from now on, as *domain*."""
        if self._console is not None:
            self._console.keyboard = None
        self._console, self._domain = console, domain
        console.keyboard = self.type

    def go_on(self) -> None:
        """What was kept back happens."""
        late, self._late = self._late, []
        for happening in late:
            happening()

    def forget(self) -> None:
        """Nothing of what was kept back happens."""
        self._late.clear()

    def _when_alive(self, happening: Callable[[], None]) -> None:
        if self._domain.life is Life.ALIVE:
            happening()
        elif self._domain.life in {Life.PAUSED, Life.SUSPENDED, Life.INCOMING}:
            self._late.append(happening)

    def say(self, data: bytes) -> None:
        """Print *data* as it is."""
        if self._console is not None:
            self._console.print(data)

    def put(self, plain: str) -> None:
        """Print *plain*, with the names in it."""
        said = plain.replace("@USER@", self.user).replace("@NAME@", self.name)
        self.say(said.encode())

    def tell(self, name: str) -> None:
        """Print the text *name* of `words/`."""
        self.say(texts.text(name, self.name, self.uptime))

    def kernel(self, *lines: str) -> None:
        """Print lines of the kernel."""
        plain = "".join(f"[T] {line}\n" for line in lines)
        self.say(texts.dressed(plain, self.name, self.uptime))

    def become(self, mode: Mode, user: str = "") -> None:
        """Do *mode* with what is typed from now on; *user* is logged in."""
        self.mode, self.user = mode, user
        self._line.clear()

    def settle(self) -> None:
        """Wait for a login."""
        self.become(Mode.LOGIN)
        self.put(self.flavour.banner)

    def boot(self, seconds: float) -> None:
        """Print the boot over *seconds*, then wait for a login."""
        self.mode, self.boots_for = Mode.SILENT, seconds
        lines = texts.text("boot", self.name, 0.0).splitlines(keepends=True)
        size = -(-len(lines) // _PIECES)
        pieces = [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]
        for number, piece in enumerate(pieces):
            self._later(seconds * number / len(pieces), partial(self.say, piece))
        self._later(seconds, self.settle)

    def _later(self, delay: float, happening: Callable[[], None]) -> None:
        console = self._console

        def happen() -> None:
            # of a domain that was destroyed meanwhile nothing happens any more
            if self._console is not None and not self._console.closed.is_set():
                self._when_alive(happening)

        if console is not None and delay == 0:
            happen()
        else:
            asyncio.get_running_loop().call_later(delay, happen)

    def stop(self, last: str) -> None:
        """Print what a guest prints as it goes down; *last* is the kernel's last line."""
        self.mode = Mode.SILENT
        self.tell("shutdown")
        self.kernel(last)

    def freeze(self) -> None:
        """What the kernel prints before it is suspended (91)."""
        self.kernel(
            "Freezing user space processes",
            "Freezing user space processes completed (elapsed 0.082 seconds)",
            "OOM killer disabled.",
            "Freezing remaining freezable tasks",
            "Freezing remaining freezable tasks completed (elapsed 0.005 seconds)",
            "suspending xenstore...",
        )

    def thaw(self) -> None:
        """What the kernel prints when it goes on, here or on another host (85, 91)."""
        self._when_alive(self._thawed)

    def _thawed(self) -> None:
        self.kernel(
            "xen:grant_table: Grant tables using version 1 layout",
            "OOM killer enabled.",
            "Restarting tasks ... done.",
            "xen_netfront: backend supports XDP headroom",
            "Setting capacity to 131072",
        )

    def type(self, data: bytes) -> None:
        """What somebody types at the console."""
        self.typed += data
        self._when_alive(lambda: self._keys(data))

    def _keys(self, data: bytes) -> None:
        for key in data:
            self._key(bytes([key]))

    def _key(self, key: bytes) -> None:
        if self.mode is Mode.SILENT:
            return
        if key == b"\x03":
            self._line.clear()
            answers.interrupt(self)
        elif key in b"\r\n" or (self.mode is Mode.FSCK and key in b"yY"):
            line = self._line.decode(errors="replace")
            self._line.clear()
            answers.enter(self, line)
        elif key in b"\x7f\b":
            if self._line:
                del self._line[-1]
                self._echo(b"\b \b")
        elif key == b"\x04" and not self._line:
            answers.end_of_input(self)
        else:
            self._line += key
            self._echo(key)

    def _echo(self, data: bytes) -> None:
        if self.mode.echoes:
            self.say(data)
