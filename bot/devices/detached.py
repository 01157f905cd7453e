"""Long commands on a host that outlive the link and the bot, by constant `sh` scripts.

The arguments are positional, so no name is ever read as shell.  A directory appears under its name
in one rename, with its lock already held, and a rename onto a directory that holds something fails:
it is started or barred once, and whoever looks never sees a half-made one.
"""

from __future__ import annotations

import re

from bot.devices.host import Detached, Phase
from bot.devices.session import Call, Output, Session
from bot.errors import DeviceError, OutcomeUnknown, Refused
from bot.i18n import _

#: exit codes of the scripts
TAKEN, CANNOT = 17, 73

#: ``$0 DIR WORDS…``: start WORDS in a session of their own.  The lock is held by the shell that
#: waits for the exit code, and by the command itself in case that shell is killed before it.
DETACH = """\
dir=$1; shift
(umask 077 && mkdir -p -- "${dir%/*}") && new=$(mktemp -d -- "$dir.XXXXXX") || exit 73
exec 9>"$new/lock" && flock -n 9 || exit 73
if ! mv -fT -- "$new" "$dir" 2>/dev/null; then
  rm -rf -- "$new"
  test -d "$dir" && exit 17
  exit 73
fi
said=$(setsid sh -c '
  exec 3>&1 </dev/null >"$0/stdout" 2>"$0/stderr" || exit
  echo started >&3
  exec 3>&-
  "$@"
  echo $? >"$0/exit.new" && mv -f -- "$0/exit.new" "$0/exit"
' "$dir" "$@" &)
test "$said" = started && echo started || exit 73
"""

#: ``$0 DIR``: the lock is tried first, because the exit code is written before it is let go
LOOK = """\
dir=$1
if ! test -d "$dir"; then
  test -e "$dir" && exit 73
  echo absent
  exit 0
fi
if test -e "$dir/barred"; then
  echo barred
  exit 0
fi
flock -s -n "$dir/lock" true 2>/dev/null
case $? in
  0) state=vanished ;;
  1) state=running ;;
  *) exit 73 ;;
esac
if test -s "$dir/exit"; then
  state="ended $(cat "$dir/exit")" || exit 73
fi
echo "$state"
if test -e "$dir/stdout"; then tail -c 65536 -- "$dir/stdout"; fi
if test -e "$dir/stderr"; then tail -c 65536 -- "$dir/stderr" >&2; fi
"""

#: ``$0 DIR``: take the place of DIR unless it is taken, then look
BAR = (
    """\
dir=$1
(umask 077 && mkdir -p -- "${dir%/*}") && new=$(mktemp -d -- "$dir.XXXXXX") || exit 73
: >"$new/barred" || exit 73
mv -fT -- "$new" "$dir" 2>/dev/null || rm -rf -- "$new"
test -d "$dir" || exit 73
"""
    + LOOK
)

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
_ENDED = re.compile(r"ended ([0-9]{1,3})")


class HostLauncher:
    """Detached commands in directories under *folder* on one host."""

    def __init__(self, session: Session, folder: str) -> None:
        self.session = session
        self._folder = folder.rstrip("/")

    async def start(self, name: str, words: tuple[str, ...]) -> None:
        """Start *words* detached; `Launcher` says what it raises."""
        await self.session.run(detach(self._place(name), words))

    async def look(self, name: str) -> Detached:
        """How far the command under *name* is."""
        return await self.session.run(look(self._place(name)))

    async def bar(self, name: str) -> Detached:
        """Take the place of *name* for good, unless it was started."""
        return await self.session.run(bar(self._place(name)))

    def _place(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise DeviceError(_("{name} cannot name a command.").format(name=ascii(name[:40])))
        return f"{self._folder}/{name}"


def detach(place: str, words: tuple[str, ...]) -> Call[None]:
    """Start *words* under *place*, once."""
    return Call(
        ("sh", "-c", DETACH, "nounou-detach", place, *words), _started, changes=True, script=3
    )


def look(place: str) -> Call[Detached]:
    """Read the files of the command under *place*."""
    return Call(("sh", "-c", LOOK, "nounou-look", place), _seen)


def bar(place: str) -> Call[Detached]:
    """Make *place* unusable where nothing was started under it."""
    return Call(("sh", "-c", BAR, "nounou-bar", place), _seen, changes=True, script=3)


def _started(output: Output) -> None:
    if output.exit == 0 and output.stdout == "started\n":
        return
    if output.exit == TAKEN:
        raise Refused(_("This step was started before; it is not started again."))
    if output.exit == CANNOT:
        raise DeviceError(_("The host cannot make a place for the command; it was not started."))
    raise OutcomeUnknown(_("The host did not say whether the command was started."))


def _seen(output: Output) -> Detached:
    first, _break, stdout = output.stdout.partition("\n")
    ended = _ENDED.fullmatch(first)
    if output.exit == 0 and ended:
        return Detached(Phase.ENDED, int(ended[1]), stdout, output.stderr)
    for phase in (Phase.ABSENT, Phase.RUNNING, Phase.VANISHED, Phase.BARRED):
        if output.exit == 0 and first == phase.value:
            return Detached(phase, None, stdout, output.stderr)
    raise DeviceError(_("The host does not say how far the command is."))
