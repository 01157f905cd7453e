"""The XML of an MSA array's command line, as rows of named properties.

Read with the standard library's expat and no document type: without one there are no entities, so
nothing can be expanded or fetched, and no further dependency is needed for safety.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from bot.errors import DeviceError
from bot.i18n import _

_REPLY = re.compile(r"(?:<\?xml|<RESPONSE).*</RESPONSE>", re.DOTALL)


class Row(dict[str, str]):
    """The properties of one object by name; an object inside another is a row of its own."""

    def __init__(self, basetype: str) -> None:
        super().__init__()
        self.basetype = basetype


class _Refusal(Exception):
    """The document holds what no array sends."""


def read_rows(text: str) -> tuple[str, list[Row]]:
    """The request that *text* answers, and its objects in order; raises `DeviceError` for garbage.

    Whatever stands around the XML, an echo with stray backspaces for example, is no part of it.
    """
    reply = _REPLY.search(text)
    reader = _Reader()
    try:
        if reply is None:
            raise _Refusal
        reader.parser.Parse(reply[0].encode("utf-8", "replace"), True)
    except (expat.ExpatError, _Refusal) as error:
        raise DeviceError(_("The array's answer cannot be read.")) from error
    return reader.request, reader.rows


class _Reader:
    """Collects rows while expat reads."""

    def __init__(self) -> None:
        self.request = ""
        self.rows: list[Row] = []
        self._open: list[Row] = []
        self._property: str | None = None
        # the text was decoded already: what the document says of its encoding does not count
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *_declaration: object) -> None:
        raise _Refusal

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "RESPONSE":
            self.request = attributes.get("REQUEST", "")
        elif tag == "OBJECT":
            self._open.append(Row(attributes.get("basetype", "")))
            self.rows.append(self._open[-1])
        elif tag == "PROPERTY" and self._open:
            self._property = attributes.get("name", "")
            self._open[-1][self._property] = ""

    def _text(self, text: str) -> None:
        if self._property is not None and self._open:
            self._open[-1][self._property] += text

    def _end(self, tag: str) -> None:
        if tag == "OBJECT":
            self._open.pop()
        elif tag == "PROPERTY":
            self._property = None
