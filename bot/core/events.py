"""What happens to a job, told once; progress, audit and whatever comes later listen to it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.jobs import State
from bot.core.render import Reply


@dataclass(frozen=True)
class Checking:
    """The command was understood and allowed; the bot looks at the world."""


@dataclass(frozen=True)
class Waiting:
    """The job's locks are held by others."""

    blockers: tuple[int, ...]
    place: int


@dataclass(frozen=True)
class Held:
    """The bot was away: the job waits until a person releases it."""


@dataclass(frozen=True)
class Asking:
    """Somebody has to agree to the plan, which *shown* tells, by typing *code*."""

    shown: Reply
    code: str
    #: chat ids of those who may
    whom: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agreed:
    """Somebody agreed to the plan."""

    sentence: str


@dataclass(frozen=True)
class Started:
    """The locks are held, and the world is still as the plan found it."""


@dataclass(frozen=True)
class Resumed:
    """The bot came back and looks at what became of the job."""


@dataclass(frozen=True)
class StepStarted:
    title: str
    changes: bool


@dataclass(frozen=True)
class StepEnded:
    title: str
    seconds: float
    ok: bool


@dataclass(frozen=True)
class Progressed:
    """News within a step: measured, never invented."""

    text: str
    #: what must stand in a fixed font below it
    details: str = ""


@dataclass(frozen=True)
class NoReturn:
    """From here on the job cannot be cancelled."""


@dataclass(frozen=True)
class Ended:
    """The one final answer."""

    state: State
    #: why, in one word: ok, usage, denied, refused, device, unknown, cancelled, internal…
    code: str
    reply: Reply
    #: what denied it, where a right did (`Denied.rule`)
    rule: str = ""


JobEvent = (
    Checking
    | Waiting
    | Held
    | Asking
    | Agreed
    | Started
    | Resumed
    | StepStarted
    | StepEnded
    | Progressed
    | NoReturn
    | Ended
)
