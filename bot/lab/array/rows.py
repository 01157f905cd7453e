"""What the array says, as objects with properties, before they become XML or text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Row:
    """One object of an answer; properties by name, in the array's order."""

    basetype: str
    name: str
    properties: Mapping[str, str]
    #: headings of the properties that the text form shows
    headings: Mapping[str, str] = field(default_factory=dict)


def status(code: int, text: str, time: str, epoch: int) -> Row:
    """The status object: `return-code` of the last one is the verdict (reference A.2)."""
    kind, number = ("Success", 0) if code == 0 else ("Error", 1)
    return Row(
        "status",
        "status",
        {
            "response-type": kind,
            "response-type-numeric": str(number),
            "response": text,
            "return-code": str(code),
            "component-id": "",
            "time-stamp": time,
            "time-stamp-numeric": str(epoch),
        },
    )


def as_xml(request: str, rows: Iterable[Row], *, brief: bool) -> str:
    """The XML of the API (reference A.3), lines ended by a line feed."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
        f'<RESPONSE VERSION="L100" REQUEST={quoteattr(request)}>',
    ]
    parent = 0
    for oid, row in enumerate(rows, start=1):
        if row.basetype.endswith("-mappings"):
            lines.append(f'<COMP G="{parent}" P="{oid}"/>')
        else:
            parent = oid
            lines.append(f'<COMP G="0" P="{oid}"/>')
        lines.append(
            f'  <OBJECT basetype="{row.basetype}" name="{row.name}" oid="{oid}" format="rows">'
        )
        lines += [_property(row, name, value, brief) for name, value in row.properties.items()]
        lines.append("  </OBJECT>")
    return "\n".join([*lines, "</RESPONSE>", ""])


def _property(row: Row, name: str, value: str, brief: bool) -> str:
    """One property; `brief` leaves only name and type (reference A.1)."""
    kind = "uint32" if name.endswith("-numeric") or name == "return-code" else "string"
    more = ""
    if not brief:
        heading = quoteattr(row.headings.get(name, name))
        more = f' size="20" draw="true" sort="{kind}" display-name={heading}'
    return f'    <PROPERTY name="{name}" type="{kind}"{more}>{escape(value)}</PROPERTY>'


def as_text(rows: Iterable[Row]) -> str:
    """Tables as people read them; their exact layout is from memory (reference A.5)."""
    lines: list[str] = []
    previous: Row | None = None
    for row in rows:
        if row.basetype == "status":
            stamp = row.properties["time-stamp"]
            kind, text = row.properties["response-type"], row.properties["response"]
            lines += ["", f"{kind}: {text} ({stamp})"]
            continue
        if previous is None or previous.basetype != row.basetype:
            heads = row.headings.values()
            lines += ["", " ".join(f"{head:<20}" for head in heads).rstrip(), "-" * 76]
        cells = (row.properties[name] for name in row.headings)
        lines.append(" ".join(f"{cell:<20}" for cell in cells).rstrip())
        previous = row
    return "\n".join([*lines, ""])
