"""Whether the bot hears the chat, and can speak in each room."""

from __future__ import annotations

from bot.api import Finding, Look, Severity, Sight, _, moment, watch


@watch("sync", every=30.0)
async def sync(look: Look) -> Sight:
    """A chat that was not heard for long, and rooms in which nothing can be said."""
    found = [_mute(room) for room in await look.stuck_rooms()]
    silence = look.silence
    if silence is None or silence <= look.timing.away:
        look.memory.pop("since", None)
    else:
        # kept, since what is worked out anew each time wavers
        since = look.memory.setdefault("since", look.now - silence)
        found.append(_unheard(since, look.now))
    return Sight(tuple(found))


def _unheard(since: float, now: float) -> Finding:
    return Finding(
        "chat",
        Severity.WARNING,
        _("The chat was not heard since {when}.").format(when=moment(since, now)),
        details=_("Commands that were sent meanwhile are listed when it is back, and not run."),
        hint=_("nounou chat, on the bot's own host, works all the same."),
        since=since,
    )


def _mute(room: str) -> Finding:
    return Finding(
        f"room {room}",
        Severity.WARNING,
        _("Nothing can be said in {room}.").format(room=room),
        details=_("What was to be said there is kept, and said as soon as it can be."),
        hint=_("Look whether the bot is still in that room, and may speak there."),
    )
