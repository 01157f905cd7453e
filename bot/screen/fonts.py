"""The letters of pictures: DejaVu Sans Mono, which comes with matplotlib."""

from __future__ import annotations

import importlib.metadata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from bot.errors import ConfigError
from bot.i18n import _
from bot.screen.width import width

#: pixels of a letter's height, and of the cell in which it and the lines of tables fit exactly
_SIZE, CELL_WIDTH, CELL_HEIGHT, _BASELINE = 15, 9, 18, 14
#: by bold and italics
_FILES = {
    (False, False): "DejaVuSansMono.ttf",
    (True, False): "DejaVuSansMono-Bold.ttf",
    (False, True): "DejaVuSansMono-Oblique.ttf",
    (True, True): "DejaVuSansMono-BoldOblique.ttf",
}
#: a few greys are enough for round letters, and make pictures half as big
_GREYS = [round(round(grey / 51) * 51) for grey in range(256)]
#: no font has a letter for it, so it looks as all that it has none for
_NO_LETTER = "\uffff"


@lru_cache(maxsize=4096)
def letter(sign: str, *, bold: bool = False, italics: bool = False) -> Image.Image:
    """*sign* as grey on black, as wide as its cells; a box where the font does not have it.

    Raises `ConfigError` where the font is not installed.
    """
    font = _font(bold, italics)
    size = (CELL_WIDTH * max(1, width(sign)), CELL_HEIGHT)
    image = Image.new("L", size)
    pen = ImageDraw.Draw(image)
    if "\u2588" in sign:
        # a block has no gap beside it
        pen.rectangle((0, 0, *size), 255)
    elif bytes(font.getmask(sign[0])) == _no_letter(bold, italics):
        pen.rectangle((1, 3, size[0] - 2, _BASELINE), outline=153)
    else:
        for part in sign:  # marks are drawn over the letter, for which the font has made room
            pen.text((0, _BASELINE), part, 255, font, "ls")
    return image.point(_GREYS)


def load() -> None:
    """Have every letter at hand from now on; raises `ConfigError` where that cannot be."""
    for bold, italics in _FILES:
        _font(bold, italics)


@lru_cache(maxsize=4)
def _no_letter(bold: bool, italics: bool) -> bytes:
    return bytes(_font(bold, italics).getmask(_NO_LETTER))


@lru_cache(maxsize=4)
def _font(bold: bool, italics: bool) -> ImageFont.FreeTypeFont:
    name = _FILES[bold, italics]
    try:
        # where it lies is known without half a second of importing it
        files = importlib.metadata.files("matplotlib") or []
        path = next(str(file.locate()) for file in files if file.name == name)
        return ImageFont.truetype(path, _SIZE, layout_engine=ImageFont.Layout.BASIC)
    except (importlib.metadata.PackageNotFoundError, StopIteration, OSError) as error:
        raise ConfigError(
            _("The font of pictures, {name}, is missing.").format(name=name),
            hint=_(
                "Install matplotlib again, with which it comes, or set console.pictures: never."
            ),
        ) from error
