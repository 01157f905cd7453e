"""What must be known of rooms after a restart, whatever a homeserver says then."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bot.chat import secret_file
from bot.chat.matrix_events import members
from bot.errors import ConfigError, StoreError
from bot.i18n import _


@dataclass(frozen=True)
class PutOut:
    """Who put the bot out of a room, and why."""

    event_id: str
    by: str
    why: str = ""


@dataclass
class Memory:
    """Facts about rooms, written to *file* by `save`."""

    file: Path | None = None
    #: ids and names of rooms that were encrypted at any time
    encrypted: set[str] = field(default_factory=set)
    #: which room took the place of which
    successors: dict[str, str] = field(default_factory=dict)
    #: private chats: with whom, by room id
    private: dict[str, str] = field(default_factory=dict)
    #: rooms of the configuration that the bot was put out of, by name
    put_out: dict[str, PutOut] = field(default_factory=dict)
    _saved: str = ""

    @classmethod
    def of(cls, file: Path | None) -> Memory:
        """What *file* holds.  Raises `ConfigError` where it is spoiled: it keeps secrets secret."""
        text = secret_file.read(file) if file is not None else None
        if text is None:
            return cls(file)
        try:
            kept = json.loads(text)
            return cls(
                file,
                encrypted=set(map(str, kept["encrypted"])),
                successors=_texts(kept["successors"]),
                private=_texts(kept["private"]),
                put_out={name: PutOut(**each) for name, each in kept["put_out"].items()},
                _saved=text,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(
                _("The file {file} is damaged").format(file=file),
                hint=_("restore it; without it, what was encrypted could be said in clear"),
            ) from error

    def save(self) -> None:
        """Write what has changed.  Raises `StoreError` when the file cannot be written."""
        text = json.dumps(
            {
                "encrypted": sorted(self.encrypted),
                "successors": self.successors,
                "private": self.private,
                "put_out": {name: asdict(each) for name, each in self.put_out.items()},
            },
            indent=1,
        )
        if self.file is not None and text != self._saved:
            try:
                secret_file.write(self.file, text)
            except ConfigError as error:  # a full disk, which may have room again
                raise StoreError(str(error)) from error
            self._saved = text


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(each) for key, each in members(value).items()}
