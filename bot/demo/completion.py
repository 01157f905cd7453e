"""What Tab offers at the prompt: commands, names of hosts and guests, persons, faults.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from bot.core.command import Command

#: words of the prompt itself, and what may follow them
LOCAL: Mapping[str, tuple[str, ...]] = {
    "/help": (),
    "/as": ("person",),
    "/fault": ("fault", "device"),
    "/console": ("domu", "scene"),
    "/clock": ("machine", "clock", "whether"),
    "/link": ("machine",),
    "/sign": ("person",),
    "/quit": (),
}
#: faults of the embedded site; a test compares them with the site's own
FAULTS = (
    "clear",
    "cut",
    "destroy-failure",
    "drop-after-send",
    "garble",
    "handover-failure",
    "handover-lost",
    "hang",
    "hang-host",
    "ilo-other-server",
    "ilo-vsp-busy",
    "kill-host",
    "missing-link",
    "name-taken",
    "no-permission",
    "out-of-memory",
    "refuse",
    "revive",
    "slow",
    "stale-link",
    "unknown-host-key",
    "zombie",
)
#: what the embedded site's guests can show; a test compares them with the site's own
SCENES = (
    "boot-menu",
    "busybox-session",
    "emergency",
    "flood",
    "fsck",
    "hostile",
    "hung-task",
    "initramfs",
    "io-error",
    "kernel-over-prompt",
    "lockup",
    "login",
    "oom",
    "oops",
    "panic",
    "password",
    "question",
    "read-only",
    "root-session",
    "session",
    "silent",
    "utf8-cut",
    "xen-timeout",
)
#: what can happen to a clock; a test compares them with the site's own
CLOCKS = ("clocksource", "drift", "independent", "moved", "server", "service", "step", "stray")
#: what can be said of a clock's service and its servers
WHETHER = ("alive", "dead")


@dataclass
class Vocabulary:
    """The words that may be completed; the commands come a moment after the prompt."""

    prefix: str
    #: kind of argument -> the names that exist; of words that are a ``code``, the codes
    names: MutableMapping[str, Sequence[str]]
    commands: list[Command] = field(default_factory=list)

    def candidates(self, line: str) -> list[str]:
        """What may stand in place of the last word of *line*, the word under the cursor."""
        *before, word = line.split(" ")
        before = [earlier for earlier in before if earlier]
        if not before:
            return _starting(word, self._first(word))
        if before[0] == "/as" and len(before) > 1:
            said = " ".join([*before[2:], word])
            return self.candidates(said) if said.startswith(self.prefix) else []
        if before[0] in LOCAL:
            return _starting(word, self._local(before))
        if before[0].startswith(self.prefix):
            path = [before[0].removeprefix(self.prefix), *before[1:]]
            return _starting(word, self._after(path))
        return []

    def _first(self, word: str) -> Iterable[str]:
        if word.startswith("/"):
            return LOCAL
        if word.startswith(self.prefix):
            return [self.prefix + command.path[0] for command in self.commands]
        return []

    def _local(self, before: Sequence[str]) -> Iterable[str]:
        kinds = LOCAL[before[0]]
        if len(before) > len(kinds):
            return []
        kind = kinds[len(before) - 1]
        if kind == "whether" and before[-1] not in ("server", "service"):
            return []
        return self.names.get(kind, ())

    def _after(self, words: Sequence[str]) -> Iterable[str]:
        """What may follow *words* of a command."""
        found: list[str] = []
        for command in self.commands:
            common = min(len(command.path), len(words))
            if command.path[:common] != tuple(words[:common]):
                continue
            if len(words) < len(command.path):
                found.append(command.path[len(words)])
            else:
                found += self._argument(command, words[len(command.path) :])
        return found

    def _argument(self, command: Command, given: Sequence[str]) -> list[str]:
        """Names for the next word of *command*, and the options that were not given."""
        options = [f"--{name.replace('_', '-')}" for name in command.options]
        words = [word for word in given if not word.startswith("--")]
        left = command.params[len(words) :] or command.params[-1:]
        names: Iterable[str] = []
        if left and left[0].name == "command":
            names = self._below(words)
        elif left and (left[0].rest or len(words) < len(command.params)):
            kind = "code" if left[0].name == "code" else left[0].type.kind
            names = self.names.get(kind, ())
        return [*names, *(option for option in options if option not in given)]

    def _below(self, words: Sequence[str]) -> list[str]:
        """The next word of each command whose name starts with *words*."""
        return [
            command.path[len(words)]
            for command in self.commands
            if len(command.path) > len(words) and command.path[: len(words)] == tuple(words)
        ]


def _starting(word: str, among: Iterable[str]) -> list[str]:
    return sorted({candidate for candidate in among if candidate.startswith(word)})
