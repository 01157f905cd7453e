"""Collect every sentence that people read into ``bot/locale/nounou.pot``, for translators.

Usage: ``python tools/messages.py [--check]``; with ``--check`` nothing is written, and the exit
status is 1 where the file is not what the code says.  A language is then started with
``pybabel init -D nounou -i bot/locale/nounou.pot -d bot/locale -l fr``, and made ready with
``pybabel compile -D nounou -d bot/locale``.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "bot" / "locale" / "nounou.pot"
KEYWORDS = {"_": None, "ngettext": (1, 2)}
HEADER = (
    "# What nounou says to people.  Written by tools/messages.py: change the code, not this file."
)
#: enumerations of which people see the values
SHOWN = {"Kind", "State"}
#: lines that change without any sentence changing
DATES = ('"POT-Creation-Date', '"PO-Revision-Date', '"Last-Translator', '"Generated-By')


def main(arguments: list[str]) -> int:
    """Write the template, or compare it."""
    text = template()
    if arguments == ["--check"]:
        written = TEMPLATE.read_text(encoding="utf-8") if TEMPLATE.exists() else ""
        if written != text:
            print(f"{TEMPLATE.relative_to(ROOT)} is not current: run make messages")  # noqa: T201
        return int(written != text)
    TEMPLATE.write_text(text, encoding="utf-8")
    print(f"{TEMPLATE.relative_to(ROOT)}: {text.count('msgid ') - 1} sentences")  # noqa: T201
    return 0


def template() -> str:
    """The template as the code asks for it; the same for the same sentences in the same files."""
    catalogue = Catalog(project="nounou", version="1", header_comment=HEADER, charset="utf-8")
    for folder in ("bot", "commands"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            for message in sentences(path):
                catalogue.add(message, locations=[(name, 0)])
    written = io.BytesIO()
    write_po(written, catalogue, width=100, sort_output=True, include_lineno=False)
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(DATES))


def sentences(path: Path) -> Iterator[str | tuple[str, ...]]:
    """What `_` and `ngettext` mark in *path*, and the docstrings that are shown to people."""
    with path.open("rb") as file:
        for _line, message, _comments, _context in extract("python", file, KEYWORDS):
            yield message
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (isinstance(node, ast.AsyncFunctionDef) and is_command(node)) or (
            isinstance(node, ast.ClassDef) and path.name == "errors.py"
        ):
            yield (ast.get_docstring(node) or "").partition("\n")[0].strip()
        if isinstance(node, ast.ClassDef) and node.name in SHOWN:
            yield from (
                member.value.value
                for member in node.body
                if isinstance(member, ast.Assign)
                and isinstance(member.value, ast.Constant)
                and isinstance(member.value.value, str)
            )


def is_command(node: ast.AsyncFunctionDef) -> bool:
    """Whether *node* is a chat command, of which `!help` shows the first line."""
    return any(
        isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "command"
        for mark in node.decorator_list
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
