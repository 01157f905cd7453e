"""The sections of the configuration about clocks, and about getting into guests."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.config_section import Port, Section
from bot.config_values import Address, LocalFile, Name, PrivateFile, Seconds, Wrong
from bot.i18n import _

__all__ = ["Clock", "Guest", "Migrate"]


class NtpServer(Section):
    """A time server that anybody may ask."""

    address: Address
    port: Port = 123


class Clock(Section):
    """How clocks are measured, judged and mended."""

    #: whose time is right; the bot's own clock where nothing is said
    reference: NtpServer | None = None
    #: how often each clock is asked; the quickest answer counts
    probes: Annotated[int, Field(ge=1, le=20)] = 5
    #: how many machines are asked at once
    at_once: Annotated[int, Field(ge=1, le=200)] = 16
    #: from which offsets on it is told
    notice: Seconds = 0.05
    trouble: Seconds = 1.0
    disaster: Seconds = 300.0
    #: a drift that reaches the next of them within this time is told before
    ahead: Seconds = 6 * 3600.0
    #: how long what was measured is kept
    keep: Seconds = 90 * 86400.0
    #: an offset below this is left to the time service to slew away
    slew_below: Seconds = 1.0
    #: whether a larger one may be stepped away
    step: bool = True
    #: whether a time service may be started anew that does not run, or that cannot be told
    restart: bool = False
    #: how long all clocks may take at a time: less than the watch over them has between two looks
    sweep: Seconds = 240.0
    #: how long a clock that is being mended is followed
    patience: Seconds = 120.0

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.notice < self.trouble < self.disaster:
            raise Wrong(
                _("the thresholds of clocks do not rise"),
                _("make notice less than trouble, and trouble less than disaster"),
            )
        return self


class Migrate(Section):
    """What a live migration asks of the Dom0s."""

    #: by how much the clocks of both may differ
    clock_limit: Seconds = 0.05
    #: by how much the target's may be behind the source's: a guest's clock may stand still so long
    clock_behind: Seconds = 0.01


class Ssh(Section):
    """How the bot logs in on a guest."""

    port: Port = 22
    user: Name
    key_file: PrivateFile
    known_hosts: LocalFile


class Guest(Section):
    """A DomU as the bot gets into it; it need not be named for anything else."""

    address: Address
    ssh: Ssh | None = None
    #: the port on which it answers as a time server, for one without ssh
    ntp: Port | None = None
