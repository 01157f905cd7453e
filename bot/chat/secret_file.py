"""Files that hold secrets: written whole or not at all, and readable by nobody else."""

from __future__ import annotations

import os
from pathlib import Path

from bot.errors import ConfigError
from bot.i18n import _


def write(path: Path, text: str) -> None:
    """Put *text* into the file *path*, on disk when this returns.  Raises `ConfigError`."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise ConfigError(
            _("The file {file} cannot be written: {why}").format(file=path, why=error.strerror)
        ) from error


def read(path: Path) -> str | None:
    """What is in the file; None where there is none.  Raises `ConfigError`."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(
            _("The file {file} cannot be read: {why}").format(file=path, why=error)
        ) from error


def _flush_folder(folder: Path) -> None:
    """Keep the new name over a power cut too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
