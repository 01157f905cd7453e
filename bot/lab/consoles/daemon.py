"""`xenconsoled` of one host: a console for each domain, and the guest that prints on it."""

from __future__ import annotations

from bot.lab.clock import Clock
from bot.lab.consoles.console import Console
from bot.lab.consoles.log import ConsoleLogs
from bot.lab.consoles.system import System
from bot.lab.domains import Domain, Life


class Consoles:
    """The consoles of one host's domains."""

    def __init__(self, clock: Clock, *, logged: bool) -> None:
        self._clock = clock
        self.logs = ConsoleLogs(clock) if logged else None
        self._consoles: dict[int, Console] = {}
        self._systems: dict[int, System] = {}

    def of(self, domain: Domain) -> Console | None:
        """The console of *domain*; none of Domain-0."""
        return self._consoles.get(domain.domid)

    def guest(self, domain: Domain) -> System | None:
        """What runs in *domain*; nothing yet where it is being received."""
        return self._systems.get(domain.domid)

    def start(self, domain: Domain, boot: float | None) -> None:
        """Open the console of a new *domain*.

        Its guest boots for *boot* seconds; without them it is up, and waits for a login.  One that
        is being received has no ring yet: `move` brings its guest.
        """
        console = self._consoles[domain.domid] = Console(self.logs)
        if domain.life is Life.INCOMING:
            return
        console.open(domain.name)
        system = self._systems[domain.domid] = System(domain, self._clock)
        system.sit_at(console, domain)
        system.settle() if boot is None else system.boot(boot)

    def move(self, system: System, copy: Domain) -> None:
        """Let *system* go on in *copy*, which still has the name of one that is being received."""
        console = self._consoles[copy.domid]
        console.open(copy.name)
        self._systems[copy.domid] = system
        system.sit_at(console, copy)
        system.thaw()

    def take_back(self, system: System, domain: Domain) -> None:
        """Let *system* go on in *domain*, out of which it never came."""
        console = self.of(domain)
        if console is not None:
            system.forget()
            system.sit_at(console, domain)
            system.thaw()

    def goes_on(self, domain: Domain) -> None:
        """*domain* was paused or suspended, and is no more."""
        system = self.guest(domain)
        if system is not None:
            system.go_on()

    def end(self, domain: Domain) -> None:
        """*domain* is gone."""
        self._systems.pop(domain.domid, None)
        console = self._consoles.pop(domain.domid, None)
        if console is not None:
            console.close()
