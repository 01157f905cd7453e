"""Who has to agree before a command of a class runs, and what exactly they agree to."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from bot.core.chat import VOUCHED, Proof
from bot.core.plan import Plan
from bot.core.policy import Right
from bot.core.risk import Risk

#: without what looks alike: no I, L, O, U, 0, 1
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
#: 30^6 is some 700 million; a code is no secret, it only names one request in one plan
LENGTH = 6


class Need(IntEnum):
    """What a command waits for, in rising order."""

    NONE = 0
    #: that its asker confirms the plan
    CONFIRM = 1
    #: that another person approves the plan
    SECOND = 2


@dataclass(frozen=True)
class Approvals:
    """What the config says of confirmation and of a second person's approval."""

    by_risk: Mapping[Risk, Need] = field(
        default_factory=lambda: {Risk.INTERRUPTS: Need.CONFIRM, Risk.DESTROYS: Need.SECOND}
    )
    #: further needs of what a right covers; they raise, and never lower
    also: tuple[tuple[Right, Need], ...] = ()
    #: the classes for which a reaction is as good as a typed code; never DESTROYS
    reactions: frozenset[Risk] = frozenset()
    #: whether DESTROYS may be approved in a room that is not encrypted
    plaintext: bool = False
    #: seconds from the request until it can no longer be used
    expire: float = 900.0
    #: seconds for which the glass stays broken at most
    break_glass: float = 3600.0

    def takes_reactions(self, risk: Risk) -> bool:
        return risk in self.reactions and risk is not Risk.DESTROYS

    def counts(self, proof: Proof, risk: Risk, asked: Proof) -> bool:
        """Whether a message with *proof* may agree to a plan of *risk*, asked for with *asked*.

        What a homeserver can make up never agrees to what it cannot make up, or to what destroys.
        """
        if proof in VOUCHED:
            return True
        if proof is Proof.REACTION:
            return self.takes_reactions(risk)
        return self.plaintext or (risk is not Risk.DESTROYS and asked not in VOUCHED)


def new_code() -> str:
    """A code that nobody can guess and everybody can read out."""
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def code_of(text: str) -> str:
    """The code in *text* as it was typed: in any case, with or without a dash or spaces."""
    return text.upper().replace("-", "").replace(" ", "")


def digest(verb: str, arguments: Iterable[tuple[str, str, str]], plan: Plan, risk: Risk) -> str:
    """What an approval binds: verb, class, each argument (name, type, value), things and steps.

    Measurements (free memory, clocks) are no part of it: they are checked again, not agreed to.
    """
    content = [
        verb,
        risk.name,
        sorted(map(list, arguments)),
        sorted([thing.value, name] for thing, name in plan.touches),
        sorted(plan.keys),
        [[step.where, step.words] for step in plan.steps],
    ]
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
