"""A session that answers from a table: for drivers that put several answers together."""

from __future__ import annotations

from collections.abc import Callable

from bot.devices.session import Call, Output, T
from bot.errors import DeviceError, Unreachable


class ScriptedSession:
    """Answers each command line with what the table holds, and keeps what it was asked."""

    def __init__(self, answers: dict[str, Output]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def run(self, call: Call[T]) -> T:
        line = " ".join(call.words)
        self.asked.append(line)
        if line not in self.answers:
            raise Unreachable(f"nothing is known about {line}")
        return call.parse(self.answers[line])

    async def close(self) -> None:
        self.asked.append("(closed)")


def complaint(call: Callable[[Output], object], output: Output) -> str:
    """What a parser says of *output*: nothing, or one sentence that is fit for chat."""
    try:
        call(output)
    except DeviceError as error:
        said = str(error)
    else:
        return ""
    if not said.isprintable() or len(said) > 400:
        raise AssertionError(f"not fit for chat: {said!r}")
    return said
