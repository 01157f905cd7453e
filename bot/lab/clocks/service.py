"""The time service of one machine: whom it asks, whom it believes, what it does to the clock."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.lab.clocks.discipline import MANNERS, Kind, Manner

if TYPE_CHECKING:
    from bot.lab.clocks.timepiece import Timepiece

#: seconds between two questions to a server; real services go up to 1024 s, and 34 minutes
POLL = 64.0
#: after a start and in a burst they ask so many times, so many seconds apart (``iburst``)
QUICK, PAUSE = 4, 2.0
#: eight questions, all answered
ALWAYS = 0o377
#: of a service that has run for long
_LONG = 1600 * POLL


class Server:
    """A server that a time service asks; what is set on it counts from the next question on."""

    def __init__(
        self,
        name: str,
        offset: float = 0.0,
        *,
        answers: bool = True,
        stratum: int = 2,
        delay: float = 0.01,
    ) -> None:
        self.name = name
        #: seconds that it is ahead of the world's time, as its clients see it
        self.offset = offset
        self.answers = answers
        self.stratum = stratum
        #: seconds there and back; half of it is what a sample may be wrong by
        self.delay = delay
        #: the last eight questions, the newest in the lowest bit
        self._reach = 0
        #: when it answered last, and how far the clock was ahead of it then
        self._heard: float | None = None
        self._sample = 0.0

    @property
    def reach(self) -> int:
        """Which of the last eight questions it answered, one bit each."""
        return self._reach

    @property
    def sample(self) -> float:
        """Seconds by which the clock was ahead of it at its last answer."""
        return self._sample

    @property
    def heard(self) -> float | None:
        """When it answered last, in seconds since the world began."""
        return self._heard

    @property
    def bound(self) -> float:
        """Seconds that a sample of it may be wrong by."""
        return self.delay / 2 + 0.005

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            self._before()
        object.__setattr__(self, name, value)

    #: told before something is set
    _before: Callable[[], None] = staticmethod(lambda: None)

    def watched(self, before: Callable[[], None]) -> None:
        """Let *before* be told before something is set."""
        self._before = before

    def ask(self, clock: float, now: float) -> None:
        """One question; *clock* is how far the asking one is ahead."""
        self._reach = (self._reach << 1 | self.answers) & ALWAYS
        if self.answers:
            self._heard, self._sample = now, clock - self.offset

    def forget(self, reach: int = 0) -> None:
        """Be as one that was never asked, or one that is known for long."""
        self._reach, self._heard = reach, None


class Service:
    """A time service; *alive* and the *servers* may be changed at any time."""

    def __init__(self, kind: Kind, servers: list[Server], *, alive: bool = True) -> None:
        self.kind: Kind = kind
        self._servers = servers
        self._alive = alive
        self._piece: Timepiece | None = None
        self._asks_since = 0.0
        self._asked = 0
        #: how often it set or steered the clock since its start
        self.updates = 0
        self._disturbed = True
        self._wrong_since: float | None = None
        #: no question will bring anything new until something is changed
        self._calm = False
        #: the server that it follows, or did until all fell silent; and when it last did
        self.reference: Server | None = None
        self.referred = 0.0

    @property
    def manner(self) -> Manner:
        return MANNERS[self.kind]

    @property
    def piece(self) -> Timepiece:
        """The clock that it keeps."""
        if self._piece is None:
            raise LookupError("a time service without a clock")
        return self._piece

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        if self._piece is not None:
            self._piece.settle()
        return self._alive

    @alive.setter
    def alive(self, alive: bool) -> None:
        if self._piece is not None:
            self._piece.settle()
        if alive and not self._alive:
            self.start()
        elif not alive:
            self.stop()

    @property
    def servers(self) -> list[Server]:
        """Whom it asks."""
        self.look()
        self._adopt()
        return self._servers

    @servers.setter
    def servers(self, servers: list[Server]) -> None:
        self.disturb()
        self._servers = servers
        self._adopt()

    def attach(self, piece: Timepiece) -> None:
        """Keep *piece*, as if it had done so for long."""
        self._piece = piece
        now = piece.now()
        names = " ".join(server.name for server in self._servers)
        self._asks_since = now - _LONG - zlib.crc32(names.encode()) % POLL
        self._asked = self._asked_by(now)
        self._disturbed, self._calm = True, False
        self._adopt()
        for server in self._servers:
            server.forget(ALWAYS if server.answers else 0)
            if server.answers:
                server.ask(piece.base, self._when(self._asked - 1))
        if self._alive and (chosen := self.chosen()):
            self.updates = self.manner.updates or 1
            self._refer(chosen, self._when(self._asked - 1))
            piece.steer_to(piece.base, self.manner.drift)

    def start(self) -> None:
        """Begin anew: it knows nobody, asks quickly, and may set the clock."""
        self._alive = True
        self._ask_quickly()
        self.updates, self.reference = 0, None
        for server in self._servers:
            server.forget()
        self.piece.let_go()

    def stop(self) -> None:
        """End: nobody corrects the clock."""
        self._alive = False
        self.reference = None
        if self._piece is not None:
            self._piece.let_go()

    def disturb(self) -> None:
        """Something changed that it can see at its next question."""
        self.look()
        self._disturbed, self._calm = True, False

    def burst(self) -> None:
        """Ask everybody at once, and three times more."""
        self.piece.settle()
        self._ask_quickly()
        self.catch_up()

    def make_step(self) -> None:
        """Set the clock at once to what it was being slewed to: to what the service *knows*."""
        self.piece.settle()
        self.piece.jump_to(self.piece.base - self.piece.correction)

    def catch_up(self) -> None:
        """Ask the questions that were due since the last look, as far as they change the clock."""
        if self._piece is None or self._calm:
            return
        now = self._piece.now()
        while self._alive and not self._calm and self._when(self._asked) <= now:
            when = self._when(self._asked)
            self._piece.run_on(when)
            self._asked += 1
            self._poll(self._piece, when)
            self._calm = not self._restless

    def look(self) -> None:
        """Let the servers show what the last question to them was answered."""
        if self._piece is None:
            return
        self._piece.settle()
        skipped = self._asked_by(self._piece.now()) - self._asked
        if skipped > 0 and self._alive:
            self._asked += skipped
            for server in self._servers:
                server.ask(self._piece.base, self._when(self._asked - 1))
            if self.reference is not None and self.reference.answers:
                self.referred = self._when(self._asked - 1)

    def usable(self) -> list[Server]:
        """The servers that said something of late, and are synchronised themselves."""
        found = [server for server in self._servers if server.reach and server.stratum < 16]
        # it asks one alone, until that does not answer
        return found[:1] if self.kind == "timesyncd" else found

    def chosen(self) -> list[Server]:
        """The majority that agrees (K. Marzullo, 1984), the best first; none without one."""
        usable = self.usable()
        best: list[Server] = []
        for edge in (server.offset - server.bound for server in usable):
            agree = [
                server for server in usable if abs(server.offset - edge) <= server.bound * 1.001
            ]
            best = max(best, agree, key=len)
        if 2 * len(best) <= len(usable):
            return []
        return sorted(best, key=lambda server: server.stratum)

    def _poll(self, piece: Timepiece, now: float) -> None:
        for server in self._servers:
            server.ask(piece.base, now)
        if not self.usable():
            piece.let_go()
            self._disturbed = self._disturbed and self._asked < QUICK
        elif self.updates or self._asked > self.manner.patience:
            self._disturbed = False
            chosen = self.chosen()
            if not chosen:
                # ntpd goes on naming the last one, chrony does not (recorded: two-rv, two-tracking)
                self.reference = self.reference if self.kind == "ntpd" else None
                piece.let_go()
            elif any(server.answers for server in chosen):
                self._refer(chosen, now)
                self._update(piece, _mean(chosen), now)

    def _update(self, piece: Timepiece, right: float, now: float) -> None:
        """It knows now what is *right*, in seconds ahead of the world's time."""
        manner = self.manner
        self.updates += 1
        wrong = abs(piece.base - right)
        if wrong > manner.panic and self.updates > 1:
            self.stop()
            return
        if wrong > manner.step and manner.lasting and self.updates > 1:
            if self._wrong_since is None:
                self._wrong_since = now
            if now - self._wrong_since < manner.lasting:
                piece.let_go()
                return
        self._wrong_since = None
        if wrong > manner.step and self.updates <= (manner.updates or math.inf):
            piece.jump_to(right)
        piece.steer_to(right, manner.drift)

    def _refer(self, chosen: list[Server], now: float) -> None:
        self.reference, self.referred = chosen[0], now

    @property
    def _restless(self) -> bool:
        """Whether a question may bring something new."""
        return (
            self._disturbed
            or self._wrong_since is not None
            or any(server.reach != ALWAYS * server.answers for server in self._servers)
            or (self.updates < (self.manner.updates or 0) and bool(self.chosen()))
            or (self.piece.steered and self.piece.surplus != 0.0)
        )

    def _ask_quickly(self) -> None:
        self._asks_since, self._asked = self.piece.now(), 0
        self._disturbed, self._calm, self._wrong_since = True, False, None

    def _when(self, number: int) -> float:
        """When question *number* is asked, from 0 on."""
        quick = min(number, QUICK - 1)
        return self._asks_since + quick * PAUSE + (number - quick) * POLL

    def _asked_by(self, now: float) -> int:
        """How many questions were asked by *now*."""
        passed = now - self._asks_since
        quick = min(QUICK, int(passed / PAUSE) + 1)
        return quick + max(0, int((passed - (QUICK - 1) * PAUSE) / POLL))

    def _adopt(self) -> None:
        for server in self._servers:
            server.watched(self.disturb)


def _mean(servers: list[Server]) -> float:
    return sum(server.offset for server in servers) / len(servers)
