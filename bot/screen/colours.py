"""The colours of a terminal: what its names and its numbers look like."""

from __future__ import annotations

from bot.core.screen import Style

RGB = tuple[int, int, int]

BACKGROUND: RGB = (16, 16, 20)
FOREGROUND: RGB = (211, 215, 207)
#: what is said about the screen, below it
CAPTION: RGB = (150, 154, 148)
#: between the two, so that no guest prints what looks like a caption
LINE: RGB = (64, 66, 64)

#: the Tango palette, as many terminals have it, but for a black that is darker
_NAMED: dict[str, RGB] = {
    "black": (0, 0, 0),
    "red": (204, 0, 0),
    "green": (78, 154, 6),
    "yellow": (196, 160, 0),
    "blue": (52, 101, 164),
    "magenta": (117, 80, 123),
    "cyan": (6, 152, 154),
    "white": (211, 215, 207),
    "brightblack": (108, 111, 107),
    "brightred": (239, 41, 41),
    "brightgreen": (138, 226, 52),
    "brightyellow": (252, 233, 79),
    "brightblue": (114, 159, 207),
    "brightmagenta": (173, 127, 168),
    "brightcyan": (52, 226, 226),
    "brightwhite": (238, 238, 236),
}


def of(style: Style) -> tuple[RGB, RGB]:
    """The colours of letters in *style*, and of what is behind them."""
    # bold letters in one of the eight colours are bright ones, since the first colour terminals
    bright = f"bright{style.foreground}"
    name = bright if style.bold and bright in _NAMED else style.foreground
    letters, behind = _rgb(name, FOREGROUND), _rgb(style.background, BACKGROUND)
    return (behind, letters) if style.reverse else (letters, behind)


def _rgb(name: str, default: RGB) -> RGB:
    """The colour called *name*, or with these six hex digits; anything else is *default*."""
    if name in _NAMED:
        return _NAMED[name]
    try:
        red, green, blue = bytes.fromhex(name)
    except ValueError:
        return default
    return red, green, blue
