"""The tables about clocks, beside those of `bot.engine.schema`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, false

from bot.engine.schema import metadata

__all__ = ["clock_samples", "metadata"]

#: what was measured of each clock; old rows are put together, an hour in one
clock_samples = Table(
    "clock_samples",
    metadata,
    #: as `bot.core.clocks.Role`
    Column("role", String(12), primary_key=True),
    Column("name", String(255), primary_key=True),
    #: seconds since 1970, by the bot's clock
    Column("at", Float, primary_key=True),
    #: what it was measured against
    Column("reference", String(255), nullable=False),
    #: as `bot.core.clocks.Sample`
    Column("offset", Float, nullable=False),
    Column("bound", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("readings", Integer, nullable=False),
    #: whether it is all that is left of its hour
    Column("thinned", Boolean, nullable=False, server_default=false()),
)
Index("clock_samples_by_age", clock_samples.c.at)
Index("clock_samples_to_thin", clock_samples.c.thinned, clock_samples.c.at)
