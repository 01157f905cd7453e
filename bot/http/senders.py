"""Who sends, by the token that they show, and how often they may.  No I/O here."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: how many requests without a token that is known one peer may make in a minute
STRANGERS_A_MINUTE = 60
#: of how many such peers the bot keeps count
PEERS = 1000


@dataclass
class Bucket:
    """A measure of requests that fills again as time goes by."""

    a_minute: int
    left: float
    at: float

    def taken(self, now: float) -> int:
        """Take one request out; returns 0, or in how many seconds there will be one."""
        speed = self.a_minute / 60
        self.left = min(self.a_minute, self.left + (now - self.at) * speed)
        self.at = now
        if self.left < 1:
            return max(1, math.ceil((1 - self.left) / speed))
        self.left -= 1
        return 0


class Senders:
    """Everybody who may send alerts, and for a while who may not."""

    def __init__(
        self, tokens: Mapping[str, str], a_minute: int, clock: Callable[[], float]
    ) -> None:
        self._digests = {name: _digest(token) for name, token in tokens.items()}
        self._clock = clock
        self._buckets = {name: Bucket(a_minute, a_minute, clock()) for name in tokens}
        self._strangers: dict[str, Bucket] = {}

    def named(self, authorization: str) -> str | None:
        """The name of who shows this header; None for nobody.

        It takes the same time whatever is wrong with it.
        """
        scheme, _space, token = authorization.partition(" ")
        shown = _digest(token.strip() if scheme.lower() == "bearer" else "")
        # no way out of the loop: how long it takes would tell how much of the list was tried
        found = None
        for name, digest in self._digests.items():
            if hmac.compare_digest(digest, shown):
                found = name
        return found

    def wait(self, name: str) -> int:
        """Count a request of *name*: 0 where it may pass, else the seconds to wait."""
        return self._buckets[name].taken(self._clock())

    def stranger_waits(self, peer: str) -> int:
        """As `wait`, for a request from the address *peer* that shows no token that is known."""
        now = self._clock()
        bucket = self._strangers.pop(peer, None)
        if bucket is None:
            bucket = Bucket(STRANGERS_A_MINUTE, STRANGERS_A_MINUTE, now)
        # whoever came last stands last, so that the longest silent is forgotten
        self._strangers[peer] = bucket
        if len(self._strangers) > PEERS:
            del self._strangers[next(iter(self._strangers))]
        return bucket.taken(now)


def _digest(token: str) -> bytes:
    """All of one length, which `hmac.compare_digest` needs in order to tell nothing."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
