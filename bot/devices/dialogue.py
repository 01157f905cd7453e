"""What an MSA array's command line prints, told apart: prompt, pager, question, echo.

The prompt is ``# `` at the start of a line, and data may hold ``#`` too; so it counts only at the
end of what came, and, once XML has begun, only after ``</RESPONSE>`` (field reference A.1, not
recorded).
"""

from __future__ import annotations

import re
from enum import Enum

from bot.devices.wire import BOUND
from bot.errors import DeviceError
from bot.i18n import _

LOGIN = re.compile(r"(?<!last )login:\s*$", re.IGNORECASE)
PASSWORD = re.compile(r"password:\s*$", re.IGNORECASE)
PROMPT = re.compile(r"[\r\n]+# $")
_PAGER = re.compile(r"[\r\n][ \b]*Press any key to continue \(Q to quit\)[ \r\n]*$")
_QUESTION = re.compile(r"[^\r\n]*\(y/n\)[:?]?\s*$", re.IGNORECASE)
#: prompts, pagers and questions are short and stand at the end: only so much of it is searched
_TAIL = 400
_XML = re.compile(r"<\?xml|<RESPONSE")
_END = "</RESPONSE>"

#: words that this command line takes as they are
_PLAIN = re.compile(r"[A-Za-z0-9_.,:*/-]+")
#: what no quoting carries to it: it has no escapes (names cannot hold these, field reference A.7)
_UNSPEAKABLE = re.compile(r"[^ -~\u00a0-\ud7ff\ue000-\U0010ffff]|[\"\\]")


class Need(Enum):
    """What the array waits for."""

    NOTHING = "it is still printing"
    KEY = "a key, for the next page"
    ANSWER = "yes or no"
    COMMAND = "the next command: the reply is whole"


def command_line(words: tuple[str, ...]) -> str:
    """*words* as one line, where each stays one word; raises `DeviceError` where one cannot."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if _UNSPEAKABLE.search(word):
        raise DeviceError(
            _("{word} cannot be written on the array's command line; nothing was sent.").format(
                word=ascii(word[:40])
            )
        )
    return word if _PLAIN.fullmatch(word) else f'"{word}"'


class Reply:
    """What comes back on one line, fed piece by piece."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._text = ""
        #: up to here everything was read and answered
        self._settled = 0
        self._question = ""

    @property
    def overflows(self) -> bool:
        return len(self._text) > BOUND

    def feed(self, text: str) -> Need:
        """Take *text* in, and say what the array waits for now."""
        self._text += text
        if _PAGER.search(self._text[-_TAIL:]):
            self._text = self._text[: self._text.rindex("Press any key")]
            return Need.KEY
        tail = self._tail()
        if tail is None:
            return Need.NOTHING
        question = _QUESTION.search(tail)
        if question is not None:
            self._question = question[0].strip()
            self._settled = len(self._text)
            return Need.ANSWER
        return Need.COMMAND if PROMPT.search(tail) and self._is_ours() else Need.NOTHING

    def text(self) -> str:
        """The reply without echo and prompt; raises `DeviceError` where it was a question."""
        if self._question:
            raise DeviceError(
                _("The array asked a question, and was answered no: {question}").format(
                    question=self._question[:200]
                )
            )
        body = PROMPT.sub("", self._text)
        begin = _XML.search(body)
        return body[begin.start() :] if begin else body.partition("\n")[2]

    def _tail(self) -> str | None:
        """What lies outside XML and may hold a prompt or a question; None inside XML."""
        begin = self._settled
        if _XML.search(self._text):
            end = self._text.rfind(_END)
            if end < 0:
                return None
            begin = max(begin, end + len(_END))
        return self._text[max(begin, len(self._text) - _TAIL) :]

    def _is_ours(self) -> bool:
        """False for a prompt from before this line was read: no XML, and no echo yet."""
        return _END in self._text or _bare(self._line)[-32:] in _bare(self._text)


def _bare(text: str) -> str:
    """*text* after its backspaces, without blanks: an echo comes with stray ones, and wrapped."""
    shown: list[str] = []
    for letter in text:
        if letter != "\b":
            shown.append(letter)
        elif shown:
            shown.pop()
    return "".join("".join(shown).split())
