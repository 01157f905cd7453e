"""HP MSA arrays and their cousins, spoken to over their command line: the dialect of the P2000 G3.

Facts about the dialect are from the field reference, part A; nothing here is recorded.  Below the
class: one pure function for each line of the command line that is used.  A change joins as
another such function with ``changes=True``, which reads its verdict by `verdict` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.core.units import Size
from bot.devices.arrays.msa_xml import Row, read_rows
from bot.devices.said import plain
from bot.devices.session import Call, Output
from bot.devices.storage import ArrayInfo, StorageArray, Volume
from bot.errors import DeviceError
from bot.i18n import _

#: every size property that ends in ``-numeric`` counts these (A.4)
BLOCK = 512
_WWN = re.compile(r"[0-9a-f]{32}")


class MsaArray(StorageArray):
    driver = "msa"

    async def info(self) -> ArrayInfo:
        """Product and firmware."""
        product = await self.session.run(show_system())
        return ArrayInfo(product, await self.session.run(show_controllers()))

    async def volumes(self) -> tuple[Volume, ...]:
        """Every volume of the array."""
        return await self.session.run(show_volumes())


def show_system() -> Call[str]:
    """The product's name."""

    def product(output: Output) -> str:
        system = _only(verdict(output, "show system"), "system")
        for row in system:
            for name in ("product-id", "scsi-product-id", "product-brand"):
                if row.get(name):
                    return plain(row[name])
        raise DeviceError(_("The array does not say what product it is."))

    return Call(("show", "system"), product)


def show_controllers() -> Call[str]:
    """The storage controllers' firmware; both, where they differ."""

    def firmware(output: Output) -> str:
        rows = _only(verdict(output, "show controllers"), "controllers")
        versions = dict.fromkeys(plain(row["sc-fw"]) for row in rows if row.get("sc-fw"))
        if not versions:
            raise DeviceError(_("The array does not say what firmware it runs."))
        return ", ".join(versions)

    return Call(("show", "controllers"), firmware)


def show_volumes() -> Call[tuple[Volume, ...]]:
    """Every volume, with its size to the byte."""

    def volumes(output: Output) -> tuple[Volume, ...]:
        rows = _only(verdict(output, "show volumes"), "volumes")
        return tuple(_volume(row) for row in rows)

    return Call(("show", "volumes"), volumes)


def _volume(row: Row) -> Volume:
    name = row.get("volume-name", "")
    blocks = row.get("size-numeric") or row.get("total-size-numeric", "")
    wwn = row.get("wwn", "").lower() or wwn_of(row.get("serial-number", ""))
    if not name or not name.isprintable() or len(name) > 64:
        raise DeviceError(_("The array lists a volume without a name."))
    if not re.fullmatch(r"[0-9]{1,15}", blocks) or not _WWN.fullmatch(wwn):
        raise DeviceError(
            _("The array does not say the size or the WWN of {volume}.").format(volume=plain(name))
        )
    pool = row.get("virtual-disk-name") or row.get("storage-pool-name", "")
    return Volume(name, Size(int(blocks) * BLOCK), wwn, plain(pool))


def wwn_of(serial: str) -> str:
    """The WWN that an array makes of a volume's serial number (A.8); empty for no serial number."""
    serial = serial.lower()
    return f"600c0ff000{serial[6:12]}{serial[16:32]}" if _WWN.fullmatch(serial) else ""


def verdict(output: Output, request: str) -> list[Row]:
    """The objects of a reply to *request*, where the array says that it did it.

    It says so by the return code of the last status object; its text is translated and reworded
    (A.2).  A reply to something else, left over on the wire, is no answer.
    """
    asked, rows = read_rows(output.stdout)
    if asked and not asked.startswith(request):
        raise DeviceError(_("The array answered something else than it was asked."))
    statuses = _only(rows, "status")
    if not statuses:
        raise DeviceError(_("The array's answer has no status, so it may not be whole."))
    if statuses[-1].get("return-code", "").strip() != "0":
        reason = plain(statuses[-1].get("response", "")) or _("without saying why")
        raise DeviceError(_("The array says no: {reason}").format(reason=reason))
    return rows


def _only(rows: Iterable[Row], basetype: str) -> list[Row]:
    return [row for row in rows if row.basetype == basetype]
