"""What a shell with a prompt prints for one line, told apart: echo, answer, prompt."""

from __future__ import annotations

import codecs
import re

from bot.devices.wire import BOUND
from bot.errors import DeviceError
from bot.i18n import _

#: words that such a command line takes as they are: it has neither quotes nor escapes
_PLAIN = re.compile(r"[!-~]+")
#: prompts are short and stand at the end: only so much of the text is searched
_TAIL = 400


def command_line(name: str, words: tuple[str, ...]) -> str:
    """*words* as one line for the device *name*; raises `DeviceError` where one cannot stand."""
    for word in words:
        if not _PLAIN.fullmatch(word):
            sentence = _("{word} cannot be written on the line of {name}; nothing was sent.")
            raise DeviceError(sentence.format(word=ascii(word[:40]), name=name))
    return " ".join(words)


class Dialogue:
    """What comes back on *line*, fed piece by piece, up to the *prompt*."""

    def __init__(self, line: str, prompt: re.Pattern[str]) -> None:
        self.line = line
        self._prompt = prompt
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        #: a prompt before this place is none
        self._begin = 0

    @property
    def overflows(self) -> bool:
        """Whether more came than is read."""
        return len(self._text) > BOUND

    @property
    def whole(self) -> bool:
        """Whether it ended: with the prompt, and with something before it: no prompt, no echo.

        A line may meet a prompt that was printed twice; with no line the first prompt is the end.
        """
        tail = self._text[max(self._begin, len(self._text) - _TAIL) :]
        match = self._prompt.search(tail)
        if match is None:
            return False
        return not self.line or self._begin > 0 or bool(self.answer().strip())

    def ends_later(self) -> None:
        """Only a prompt that comes from now on is the end."""
        self._begin = len(self._text)

    def feed(self, data: bytes) -> None:
        """Take *data* in."""
        self._text += self._decoder.decode(data)

    def answer(self) -> str:
        """What was answered: no echo, no prompt, and lines that end in a line feed."""
        lines = self._before(self._text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for number, text in enumerate(lines):
            if not text.strip():
                continue
            # the echo is on the first line that has anything, behind the prompt perhaps
            echoed = bool(self.line) and _bare(text).endswith(_bare(self.line))
            return "\n".join(lines[number + 1 if echoed else number :])
        return ""

    def _before(self, text: str) -> str:
        """*text* without the prompts at its end."""
        while True:
            start = max(0, len(text) - _TAIL)
            match = self._prompt.search(text, start)
            if match is None:
                return text
            text = text[: match.start()]


def _bare(text: str) -> str:
    """*text* after its backspaces, without blanks: an echo may come with stray ones."""
    shown: list[str] = []
    for letter in text:
        if letter != "\b":
            shown.append(letter)
        elif shown:
            shown.pop()
    return "".join("".join(shown).split())
