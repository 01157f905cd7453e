"""What the bot asks of any storage array."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bot.core.units import Size
from bot.devices.session import Session


@dataclass(frozen=True)
class Volume:
    """A volume as the array reports it; `wwn` in lower case, 32 hexadecimal digits."""

    name: str
    size: Size
    wwn: str
    pool: str = ""


@dataclass(frozen=True)
class ArrayInfo:
    """What the array says of itself."""

    product: str
    firmware: str


class StorageArray(ABC):
    """A storage array.  Put a subclass in ``bot/devices/arrays/`` to support a new model.

    Every method raises `Unreachable` when the array cannot be asked and `DeviceError` when it says
    no or its answer cannot be understood.
    """

    driver: ClassVar[str]

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.session = session

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    async def info(self) -> ArrayInfo:
        """Product and firmware."""

    @abstractmethod
    async def volumes(self) -> tuple[Volume, ...]:
        """Every volume of the array."""
