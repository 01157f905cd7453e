"""The YAML file behind a configuration: its values, their lines, and errors in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.config_values import Several, Wrong, shown
from bot.i18n import _

Loc = tuple[int | str, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """One error of a configuration file: where it stands, what is wrong, and what to write."""

    #: counted from 1; 0 where the file itself is meant
    line: int
    key: str
    what: str
    remedy: str

    def __str__(self) -> str:
        if not self.line:
            return _("{what}; {remedy}").format(what=self.what, remedy=self.remedy)
        if not self.key:
            return _("line {line}: {what}; {remedy}").format(
                line=self.line, what=self.what, remedy=self.remedy
            )
        return _("line {line}, {key}: {what}; {remedy}").format(
            line=self.line, key=self.key, what=self.what, remedy=self.remedy
        )


class _Loader(yaml.SafeLoader):
    """YAML with texts, whole numbers, fractions, true, false, null; ``no`` and dates are texts."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"true|false|True|False", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"[-+]?[0-9]{1,18}\.[0-9]{1,18}", "-+0123456789"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})\Z"), [*_first, ""])


@dataclass
class Source:
    """A file that was read: its data, and its nodes, which know their lines."""

    data: dict[Any, Any] = field(default_factory=dict)
    node: yaml.Node | None = None
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read *path*; what keeps it from being YAML with one value a key is in `problems`."""
        try:
            return cls._composed(path.read_text(encoding="utf-8"))
        except OSError as error:
            what = _("the file {path} cannot be read ({why})").format(path=path, why=error.strerror)
        except UnicodeDecodeError:
            what = _("the file {path} is not UTF-8 text").format(path=path)
        return cls(problems=[Problem(0, "", what, _("name a YAML file that may be read"))])

    @classmethod
    def _composed(cls, text: str) -> Source:
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                return cls(problems=[_no_mapping(node)])
            twice = list(_twice(node, (), ()))
            return cls(loader.construct_document(node), node, twice)
        except yaml.MarkedYAMLError as error:
            return cls(problems=[_broken(error)])
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            what = _("the sign with the code {code} may not stand here").format(
                code=error.character
            )
            return cls(problems=[Problem(line, "", what, _("remove it"))])
        except (ValueError, RecursionError) as error:
            what = _("this is not YAML ({why})").format(why=shown(error))
            return cls(problems=[Problem(1, "", what, _("write plain YAML"))])

    def line(self, loc: Loc) -> int:
        """The line of the key at *loc*, or of the closest one above it that is in the file."""
        line, node = 1, self.node
        for part in loc:
            found = _below(node, part)
            if found is not None:
                line, node = found
        return line


def _below(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    """The line of *part* in *node*, and what stands there."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None


def _twice(node: yaml.Node, loc: Loc, above: tuple[yaml.Node, ...]) -> Iterator[Problem]:
    """A problem for each key that stands twice: YAML would silently take the last."""
    if node in above:
        return
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _twice(item, (*loc, index), (*above, node))
    if isinstance(node, yaml.MappingNode):
        first: dict[object, int] = {}
        for key, value in node.value:
            here, line = (*loc, str(key.value)), key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in first:
                what = _("the key stands here again, after line {line}").format(
                    line=first[key.value]
                )
                yield Problem(line, dotted(here), what, _("keep one of the two"))
            elif isinstance(key, yaml.ScalarNode):
                first[key.value] = line
            yield from _twice(value, here, (*above, node))


def _no_mapping(node: yaml.Node | None) -> Problem:
    line = node.start_mark.line + 1 if node is not None else 1
    what = _("the file has no keys") if node is None else _("the file does not start with a key")
    return Problem(line, "", what, _("write lines like site: example, see config.example.yaml"))


def _broken(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = _("this is not YAML: {why}, at column {column}").format(
        why=error.problem or error.context, column=mark.column + 1 if mark else 1
    )
    remedy = _("look at the indentation, the quotes and the colons of this line and the one above")
    return Problem(mark.line + 1 if mark else 1, "", what, remedy)


def dotted(loc: Loc) -> str:
    """*loc* as people write it: ``members.anna.ids[0]``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def sort_out(error: ValidationError, source: Source, model: type[BaseModel]) -> list[Problem]:
    """What *error* says, each with its line and a remedy, in the order of the lines."""
    found = []
    for detail in error.errors(include_url=False, include_input=True):
        loc = _plain(detail["loc"], source)
        for wrong in _wrongs(detail, loc, model):
            place = (*loc, *wrong.at)
            found.append(Problem(source.line(place), dotted(place), wrong.what, wrong.remedy))
    return sorted(found)


def _plain(loc: Loc, source: Source) -> Loc:
    """*loc* without what pydantic adds to it: the kind of chat, and the mark of a key."""
    if len(loc) > 1 and loc[0] == "chat" and loc[1] in ("matrix", "terminal"):
        loc = (loc[0], *loc[2:])
    return tuple(part for part in loc if part != "[key]")


def _wrongs(detail: ErrorDetails, loc: Loc, model: type[BaseModel]) -> list[Wrong]:
    """What one error of pydantic says, in our words."""
    context = detail.get("ctx", {})
    match context.get("error"):
        case Several(wrongs=wrongs):
            return wrongs
        case Wrong() as wrong:
            return [wrong]
    if detail["type"] == "extra_forbidden":
        remedy = instead(str(loc[-1]), _known(model, loc[:-1]))
        return [Wrong(_("there is no such key"), remedy)]
    say = _SENTENCES.get(detail["type"])
    if say is None:
        return [Wrong(detail["msg"], _("see config.example.yaml"))]
    what, remedy = say()
    values = {"given": shown(detail["input"]), **context}
    at = ("kind",) if detail["type"].startswith("union_tag") else ()
    return [Wrong(what.format(**values), remedy.format(**values), at)]


def _known(model: type[BaseModel], section: Loc) -> list[str]:
    """The keys that may stand in *section*."""
    if not section:
        return list(model.model_fields)
    below = models_in(model.model_fields[str(section[0])].annotation)
    return [key for section_model in below for key in section_model.model_fields]


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The models that *annotation* speaks of: itself, or those within its dict or union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in models_in(part)]


def instead(key: str, known: list[str]) -> str:
    """What to write in place of *key*, where only what is *known* may stand."""
    close = get_close_matches(key, known, n=1)
    if close:
        return _("did you mean {key}?").format(key=close[0])
    return _("remove it; the keys here are: {keys}").format(keys=", ".join(dict.fromkeys(known)))


_SENTENCES: dict[str, Callable[[], tuple[str, str]]] = {
    "missing": lambda: (_("this key is missing"), _("add it, see config.example.yaml")),
    "string_type": lambda: (_("{given} is not a text"), _("put it in quotes")),
    "int_type": lambda: (_("{given} is not a whole number"), _("write digits only")),
    "int_parsing": lambda: (_("{given} is not a whole number"), _("write digits only")),
    "int_from_float": lambda: (_("{given} is not a whole number"), _("write digits only")),
    "list_type": lambda: (_("{given} is not a list"), _("write it like [one, two]")),
    "dict_type": lambda: (
        _("{given} has no keys"),
        _("write keys below it, see config.example.yaml"),
    ),
    "model_type": lambda: (
        _("{given} has no keys"),
        _("write keys below it, see config.example.yaml"),
    ),
    "literal_error": lambda: (_("{given} is not known here"), _("write {expected}")),
    "union_tag_invalid": lambda: (_("{tag} is not a kind of chat"), _("write kind: matrix")),
    "union_tag_not_found": lambda: (_("this key is missing"), _("write kind: matrix")),
    "greater_than_equal": lambda: (_("{given} is too small"), _("write at least {ge}")),
    "less_than_equal": lambda: (_("{given} is too large"), _("write at most {le}")),
    "too_short": lambda: (_("it is empty"), _("write at least {min_length} here")),
}
