"""The DomUs that the bot itself depends on."""

from __future__ import annotations

from dataclasses import dataclass

from bot.i18n import _


@dataclass(frozen=True)
class Own:
    """In which DomUs the bot and its homeserver run; empty where the config does not say."""

    bot: str = ""
    homeserver: str = ""

    def objection(self, domu: str) -> str:
        """Why *domu* is neither moved nor stopped by the bot; empty where nothing is against it."""
        if domu and domu == self.bot:
            return _(
                "I run in {domu}: moving or stopping it could end me in the middle, so I never "
                "do that."
            ).format(domu=domu)
        return ""

    def warning(self, domu: str) -> str:
        """What is said before *domu* is moved or stopped; empty where there is nothing to say."""
        if domu and domu == self.homeserver:
            return _(
                "{domu} is the DomU of the homeserver: moving or stopping it could silence me in "
                "the middle. nounou chat on my own host works without it."
            ).format(domu=domu)
        return ""
