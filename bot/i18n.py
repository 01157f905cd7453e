"""The words that people read: every sentence passes through `_`, so that it can be translated.

Write ``_("{name} runs on {host}").format(name=…, host=…)``: the sentence whole, the values after.
English is the source; catalogues lie in ``bot/locale``.
"""

from __future__ import annotations

import gettext
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def use(language: str) -> None:
    """Speak *language* from now on; English where there is no catalogue for it."""
    global _catalogue
    _catalogue = gettext.translation("nounou", LOCALE, [language], fallback=True)


def _(sentence: str) -> str:
    return _catalogue.gettext(sentence)


def ngettext(one: str, many: str, count: int) -> str:
    """The sentence in the number that *count* needs."""
    return _catalogue.ngettext(one, many, count)
