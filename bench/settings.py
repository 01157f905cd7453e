"""What an echo is told when it starts, and what its answers look like."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.core.chat import STATUS_KEY

#: what is asked
QUESTION = "!ping"


@dataclass(frozen=True)
class Settings:
    """The account and the room of one echo."""

    url: str
    user: str
    password: str
    room: str
    #: where keys are kept, for an echo in an encrypted room
    keys: str = ""

    @classmethod
    def read(cls, file: str) -> Settings:
        return cls(**json.loads(Path(file).read_text("utf-8")))

    def text(self) -> str:
        """What `read` understands."""
        return json.dumps(asdict(self))


def answer_to(event_id: str) -> dict[str, Any]:
    """An answer that names its question as the bot's answers do."""
    return {
        "msgtype": "m.notice",
        "body": "pong",
        STATUS_KEY: {"command": event_id, "final": True},
    }


def answered(event: dict[str, Any]) -> str | None:
    """The question to which *event* is the final answer; edits count, for they are said too."""
    content = event["content"]
    status = content.get("m.new_content", content).get(STATUS_KEY) or {}
    return str(status["command"]) if status.get("final") else None
