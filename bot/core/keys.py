"""What a person can let the bot type at a console: a key by its name, or a short text.  No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import UsageError
from bot.i18n import _

#: keys by the name that people type; as a terminal sends them
NAMED = {
    "enter": b"\r",
    "ctrl-c": b"\x03",
    "ctrl-d": b"\x04",
    "esc": b"\x1b",
    "tab": b"\t",
    "space": b" ",
}
#: characters of a text; whoever has more to type attaches
LONGEST = 200


@dataclass(frozen=True)
class Keystroke:
    """One key, or a text that is typed at once; Enter is never part of it."""

    #: the name of the key; empty for a text
    name: str
    data: bytes

    @classmethod
    def read(cls, word: str) -> Keystroke:
        """What *word* means; raises `UsageError` for what no keyboard types."""
        name = word.casefold()
        if name in NAMED:
            return cls(name, NAMED[name])
        if not word or not word.isprintable() or len(word) > LONGEST:
            raise UsageError(
                _("A text to type has 1 to {count} signs that can be seen.").format(count=LONGEST),
                hint=_("A key is one of: {names}.").format(names=", ".join(NAMED)),
            )
        return cls("", word.encode("utf-8", "replace"))

    def __str__(self) -> str:
        return self.name or repr(self.data.decode())
