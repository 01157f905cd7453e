"""Who gets in at the doors of the lab."""

from __future__ import annotations

from dataclasses import dataclass

import asyncssh


@dataclass(frozen=True)
class Account:
    """Who may log in on a device: with a password, or with a key."""

    user: str
    password: str | None = None
    key: asyncssh.SSHKey | None = None
