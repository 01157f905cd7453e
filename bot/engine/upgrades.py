"""What a store of an older version lacks."""

from __future__ import annotations

VERSION = 6

#: what a store of the version before each number lacks; tables that are missing are made anyway
UPGRADES: dict[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE jobs ADD COLUMN proof VARCHAR(12) NOT NULL DEFAULT 'plain'",
        "ALTER TABLE outbox ADD COLUMN kind VARCHAR(12) NOT NULL DEFAULT 'text'",
        "ALTER TABLE outbox ADD COLUMN mentions TEXT",
        "ALTER TABLE outbox ADD COLUMN to_unsigned BOOLEAN NOT NULL DEFAULT false",
        "CREATE INDEX handled_by_age ON handled (at)",
    ),
    3: (
        "ALTER TABLE outbox ADD COLUMN file VARCHAR(64) NOT NULL DEFAULT ''",
        "ALTER TABLE denials ADD COLUMN person VARCHAR(255) NOT NULL DEFAULT ''",
        "ALTER TABLE denials ADD COLUMN jobs TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE outbox ADD COLUMN attachment TEXT NOT NULL DEFAULT ''",
    ),
    4: (
        "ALTER TABLE jobs ADD COLUMN thread VARCHAR(255) NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN answers VARCHAR(255) NOT NULL DEFAULT ''",
        "ALTER TABLE outbox ADD COLUMN under VARCHAR(128)",
    ),
    5: (
        "ALTER TABLE outbox ADD COLUMN picture BLOB",
        "ALTER TABLE outbox ADD COLUMN expires FLOAT",
    ),
    6: (),
}
