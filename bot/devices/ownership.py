"""The file on a host that names the one bot which may change things there."""

from __future__ import annotations

from bot.devices.session import Call, Output, Session
from bot.errors import DeviceError
from bot.i18n import _

#: ``$0 FILE ID``: the file appears whole, by a hard link, or stays as it was
OWN = """\
(umask 077 && mkdir -p -- "${1%/*}") && new=$(mktemp -- "$1.XXXXXX") || exit 73
printf '%s\\n' "$2" >"$new" || exit 73
ln -T -- "$new" "$1" 2>/dev/null
rm -f -- "$new"
cat -- "$1" || exit 73
"""


class OwnerFile:
    """The lock file *path* of one host."""

    def __init__(self, session: Session, path: str) -> None:
        self.session = session
        self._path = path

    async def claim(self, site: str) -> str:
        """Write *site* into the file where there is none; return the id that is there now."""
        return await self.session.run(own(self._path, site))


def own(path: str, site: str) -> Call[str]:
    """Claim *path* for *site* and read whose it is; doing it twice changes nothing more."""
    return Call(("sh", "-c", OWN, "nounou-own", path, site), _owner, changes=True, script=3)


def _owner(output: Output) -> str:
    site = output.stdout.removesuffix("\n")
    whole = output.exit == 0 and output.stdout.endswith("\n") and site.isprintable()
    if not whole or not site.strip() or len(site) > 200:
        raise DeviceError(_("The host does not say which bot it belongs to."))
    return site.strip()
