"""A bot that knows the terminal protocol and a few commands; run as a program of its own.

``!ping`` succeeds, ``!fail`` does not, ``!slow`` tells of its progress, ``!hang`` never ends,
``!lock`` and ``!ask`` wait for a lock and for a person until ``!free``, ``!die`` kills it once.
``!destroy`` waits for the code that it shows; ``!approve CODE`` frees it, and ``!end`` ends it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

while not Path(sys.argv[1]).exists():
    threading.Event().wait(0.01)
CONFIG = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))
STATE = Path(CONFIG["state"])
KNOWN = {name for member in CONFIG["members"].values() for name in member["ids"]}
WAITING: list[dict[str, Any]] = []
#: what was asked for, by the code that approves it
REQUESTS: dict[str, dict[str, Any]] = {}


def write(frame: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(frame) + "\n")
    sys.stdout.flush()


def post(
    about: dict[str, Any],
    text: str,
    state: str,
    *,
    final: bool = True,
    waits: str = "",
    edits: str | None = None,
    part: str = "",
    **more: object,
) -> None:
    status = {
        "command": about["event_id"],
        "job": about["n"],
        "state": state,
        "final": final,
        "succeeded": state == "succeeded",
        "waits": waits,
        **more,
    }
    frame = {"type": "send", "txn": f"{about['event_id']}{part}", "room": about["room"]}
    frame |= {"plain": text, "html": text, "about": about["event_id"], "threaded": False}
    write(frame | {"edits": edits, "status": status, "mentions": []})


def ask(code: str, part: str = "") -> None:
    text, about = f"who approves {code}?", REQUESTS[code]
    more = {"waits": "person", "code": code}
    post(about, text, "awaiting approval", final=False, part=part, **more)


def obey(message: dict[str, Any]) -> None:
    words = message["body"].split()
    died = STATE / "died"
    match words[0]:
        case "!ping":
            post(message, "pong", "succeeded")
        case "!fail":
            post(message, "no", "failed")
        case "!slow":
            post(message, "1 of 2", "running", final=False)
        case "!lock":
            WAITING.append(message)
            post(message, "waiting for job 1", "awaiting locks", final=False, waits="lock")
        case "!ask":
            WAITING.append(message)
            post(message, "who approves?", "awaiting approval", final=False, waits="person")
        case "!destroy":
            code = f"C0DE{len(REQUESTS) + 1}"
            REQUESTS[code] = message
            ask(code)
        case "!approve" if words[1] in REQUESTS:
            approved = REQUESTS[words[1]]
            post(message, "approved", "succeeded", frees=[approved["event_id"]])
            ask(words[1], part="-late")
            threading.Timer(
                0.3, post, (approved, "destroyed", "succeeded"), {"part": "-end"}
            ).start()
        case "!approve":
            post(message, "no such code", "refused")
        case "!free":
            for waiting in WAITING:
                post(waiting, "got it", "succeeded", part="-end")
            post(message, "freed", "succeeded")
        case "!die" if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        case "!die":
            post(message, "I am back", "succeeded")


def sent(frame: dict[str, Any], slow: dict[str, Any]) -> None:
    if frame["txn"] == slow.get("event_id"):
        post(slow, "1 of 2\n2 of 2", "succeeded", edits=frame["event_id"], part="-end")


def main() -> None:
    STATE.mkdir(parents=True, exist_ok=True)
    token = STATE / "token"
    write({"type": "hello", "since": token.read_text() if token.exists() else None})
    slow: dict[str, Any] = {}
    for line in sys.stdin:
        frame = json.loads(line)
        if frame["type"] == "welcome" and not token.exists():
            token.write_text(str(frame["n"]))
        if frame["type"] == "message":
            slow = frame if frame["body"] == "!slow" else slow
            if frame["sender"] in KNOWN:
                obey(frame)
            token.write_text(str(frame["n"]))
            write({"type": "read", "n": frame["n"]})
        if frame["type"] == "sent":
            sent(frame, slow)


main()
