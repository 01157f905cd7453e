"""Whose devices are believed: what a message must prove before its command is looked at."""

from __future__ import annotations

from bot.core.chat import Proof
from bot.core.text import clean
from bot.engine.engine import Engine
from bot.engine.jobs import Job
from bot.errors import Denied
from bot.i18n import _


def believed(engine: Engine, proof: Proof) -> bool:
    """Whether a command with this *proof* is looked at; a changed key is never believed."""
    return proof is not Proof.CHANGED and (proof is not Proof.UNSIGNED or engine.trust == "any")


def demand(engine: Engine, job: Job) -> None:
    """Raise `Denied`, which says what to do, where the device that *job* came from proves nothing.

    A plain room proves no device either; who configures one trusts its homeserver.
    """
    if believed(engine, job.proof):
        return
    if job.proof is Proof.CHANGED:
        raise Denied(
            _("Your identity key has changed, so nothing that you send is run."),
            hint=_(
                "Another administrator has to confirm it: {prefix}trust {person} FINGERPRINT"
            ).format(prefix=engine.prefix, person=clean(job.person, 60)),
        )
    raise Denied(
        _("This device is not signed by its owner, so nothing that it sends is run."),
        hint=_(
            "Verify it from another of your sessions (Settings → Sessions), "
            "then send the command again."
        ),
    )
