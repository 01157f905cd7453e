"""Requests to a homeserver: one try each, raw JSON back, every failure an error of ours.

matrix-nio carries them, but does not read them: its `_send` repeats requests by itself, which
reorders messages; its `parse_body` takes a proxy's error page for an empty object; and it moves its
sync token on before anybody has seen the events (``nio/client/async_client.py`` of 0.26).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from nio import AsyncClient  # type: ignore[import-untyped]

from bot.core.text import clean
from bot.errors import ChatRefused, ChatUnavailable
from bot.i18n import _

#: JSON nested deeper than this is not read; clients of today stay below 10
DEEPEST = 64

#: bytes of an answer; a /sync of many full rooms has a few million
MOST_BYTES = 2**26


class Busy(ChatUnavailable):
    """The homeserver does not answer as it should."""


class TokenRefused(ChatUnavailable):
    """The homeserver does not know the bot's access token."""


class Rejected(ChatRefused):
    """The homeserver refuses."""

    def __init__(self, message: str, *, status: int, errcode: str) -> None:
        super().__init__(message)
        self.status = status
        self.errcode = errcode


#: where files go (specification, "Content repository")
UPLOAD = "/_matrix/media/v3/upload"


@dataclass(frozen=True)
class File:
    """What is uploaded, and what it is: browsers show no picture of which they are not told so."""

    data: bytes
    media_type: str = "application/octet-stream"


#: what a request carries: JSON, or a file
Content = dict[str, Any] | File


class Challenged(Rejected):
    """The homeserver wants to be told once more who asks (specification, "User-Interactive…")."""

    def __init__(self, message: str, *, session: str) -> None:
        super().__init__(message, status=401, errcode="M_FORBIDDEN")
        #: what the next try has to name
        self.session = session


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """What *response* says.  Raises `Busy` where that does not end."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            response.close()
            raise Busy(_("The homeserver answers too much"))
    return bytes(body)


def path_of(*parts: str, **query: str) -> str:
    """The path of a client API endpoint; every part is quoted."""
    path = "/_matrix/client/v3/" + "/".join(quote(part, safe="") for part in parts)
    return path + ("?" + urlencode(query) if query else "")


class Wire:
    """A connection to *homeserver* that speaks with `token`, once there is one.

    *waits* is told before each request how many seconds it may take.
    """

    def __init__(
        self,
        homeserver: str,
        request_timeout: float,
        waits: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.token = ""
        self.request_timeout = request_timeout
        self._waits = waits
        self._client = AsyncClient(homeserver.rstrip("/"))

    async def ask(
        self,
        method: str,
        path: str,
        content: Content | None = None,
        *,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """The answer to one request.  Raises `Busy`, `TokenRefused` or `Rejected`."""
        kind, body = _written(content)
        headers = {"Content-Type": kind}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        seconds = timeout or self.request_timeout
        limit = aiohttp.ClientTimeout(total=seconds)
        self._waits(seconds)
        try:
            response = await self._client.send(method, path, body, headers, timeout=limit)
            async with response:
                text = (await _body(response)).decode("utf-8", "replace")
        except TimeoutError as error:
            raise Busy(_("The homeserver does not answer in time")) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Busy(_("The homeserver cannot be reached")) from error
        return _judged(response.status, parsed(text), response.headers.get("Retry-After"))

    async def close(self) -> None:
        await self._client.close()


def _written(content: Content | None) -> tuple[str, str | bytes | None]:
    """The media type of *content*, and its bytes."""
    if isinstance(content, File):
        return content.media_type, content.data
    return "application/json", None if content is None else json.dumps(content)


def _judged(status: int, answer: dict[str, Any] | None, retry_after: str | None) -> dict[str, Any]:
    """*answer* where it is one, else the error that it means."""
    if 200 <= status < 300 and answer is not None:
        return answer
    errcode = answer.get("errcode") if answer else None
    # a proxy may ask for a login of its own; a new token of ours would not please it
    if status == 401 and errcode in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"):
        raise TokenRefused
    if status == 401 and answer is not None and isinstance(answer.get("flows"), list):
        raise Challenged(
            _("The homeserver wants the password of the bot for this"),
            session=str(answer.get("session", "")),
        )
    if status == 429 or errcode == "M_LIMIT_EXCEEDED":
        raise Busy(
            _("The homeserver asks for patience"), retry_after=_patience(answer, retry_after)
        )
    # a proxy in between may answer 4xx of its own; only a Matrix error is the homeserver's word
    if 400 <= status < 500 and status != 401 and isinstance(errcode, str) and answer is not None:
        why = clean(str(answer.get("error") or errcode), 200)
        raise Rejected(
            _("The homeserver refuses: {why}").format(why=why), status=status, errcode=errcode
        )
    if status == 413:
        raise Rejected(
            _("The homeserver refuses: the message is too long"),
            status=status,
            errcode="M_TOO_LARGE",
        )
    raise Busy(_("The homeserver answers with an error ({status})").format(status=status))


def _patience(answer: dict[str, Any] | None, header: str | None) -> float | None:
    """Seconds to wait after a 429: the header of today, the field of yesterday."""
    if header is not None and re.fullmatch(r"[0-9]{1,9}", header):
        return float(header)
    asked = (answer or {}).get("retry_after_ms")
    if isinstance(asked, int | float) and 0 <= asked < 1e12:
        return float(asked) / 1000
    return None


def parsed(text: str) -> dict[str, Any] | None:
    """The JSON object that *text* is; None for anything else."""
    value = _read(text)
    if value is None:
        # what one member wrote must not hide what all the others did
        value = _read(shallow(text), parse_int=_bearable)
    return value if isinstance(value, dict) else None


def parsed_whole(text: str) -> dict[str, Any] | None:
    """As `parsed`, for what one person wrote: nothing of it is read where a part is no good."""
    value = _read(text)
    return value if isinstance(value, dict) else None


def _read(text: str, parse_int: Callable[[str], int | None] | None = None) -> object:
    try:
        return json.loads(text, parse_int=parse_int)
    except (ValueError, RecursionError):
        return None


def _bearable(digits: str) -> int | None:
    """An integer, but for one of more digits than Python reads (its default limit is 4,300)."""
    return int(digits) if len(digits) < 4000 else None


# a text that is never closed is one token to the end: looked for anew from each quote in it, it
# would take hours
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


def shallow(text: str) -> str:
    """*text* with everything that is nested deeper than `DEEPEST` replaced by null.

    One member's event of a thousand brackets would else stop Python's parser, and with it every
    sync that contains the event.  (Synapse 1.163 refuses events deeper than 126; others need not.)
    """
    kept: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept.append(text[start : token.start()] + "null")
        elif mark in "]}":
            depth -= 1
            if depth == DEEPEST:
                start = token.end()
    kept.append(text[start:])
    return "".join(kept)
