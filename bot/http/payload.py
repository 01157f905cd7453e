"""What the bodies of all senders have in common: their limits, and what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import FailFast, Field, TypeAdapter, ValidationError

from bot.core.text import clean
from bot.i18n import _

#: how many alerts one body may have
ALERTS = 10_000

T = TypeVar("T")
#: the first that is wrong is told, and the others are not looked at
Many = Annotated[list[T], Field(max_length=ALERTS), FailFast()]


@dataclass(frozen=True)
class Known:
    """What the bot knows while a body is read."""

    hosts: frozenset[str]
    domus: frozenset[str]
    #: seconds since 1970
    now: float


class Unusable(Exception):
    """A body that is not what it should be; the sentence says what is wrong with it."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def read(kind: TypeAdapter[T], body: bytes) -> T:
    """What *body* says, as *kind*; raises `Unusable`."""
    try:
        return kind.validate_json(body)
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False)[0]
        raise Unusable(_sentence(first), 413 if _too_many(first) else 400) from error


def _too_many(error: Any) -> bool:
    return bool(error["type"] == "too_long" and error["ctx"]["field_type"] == "List")


def _sentence(error: Any) -> str:
    what = clean(error["msg"], 200)
    where = clean(".".join(str(part) for part in error["loc"]), 100)
    if error["type"] == "extra_forbidden":
        return _("There is no key {key} here.").format(key=where)
    if not where:
        return _("The body cannot be used: {what}.").format(what=what)
    return _("{where} cannot be used: {what}.").format(where=where, what=what)


def web_address(text: str) -> str:
    """*text* where it is the address of a page, else nothing."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    return text.strip() if parts.scheme in ("http", "https") and parts.netloc else ""
