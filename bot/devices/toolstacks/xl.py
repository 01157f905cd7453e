"""The `xl` toolstack, as two real Xen 4.17 hosts showed it (tests/data/xen-4.17).

Below the class: one pure function for each command.  The parsers are total: what is not understood
is a `DeviceError`, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.core.text import clean
from bot.core.units import Size
from bot.devices.console import ConsoleLog, Visited
from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output, anything
from bot.devices.toolstacks import (
    xl_census,
    xl_console,
    xl_destruction,
    xl_json,
    xl_migration,
)
from bot.devices.xen import Domain, DomainConfig, HostInfo, MigrationOutcome, Toolstack, Transfer
from bot.errors import Refused
from bot.i18n import _

#: longer names are no names: Xen itself cuts at 80 in its tools, a transfer adds 14 (reference)
LONGEST_NAME = 120
#: domain ids from here on are Xen's own (xen/include/public/xen.h, reference)
FIRST_RESERVED = 0x7FF0
_GUEST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")

#: `xl list -v` (13-list-v.json; format strings in xen tools/xl/xl_info.c)
_HEADER = "Name ID Mem VCPUs State Time(s) UUID Reason-Code Security Label"
_LINE = re.compile(
    r"(?P<name>\S|\S.*?\S)\s+(?P<domid>[0-9]{1,5})\s+(?P<memory>[0-9]{1,9})\s+(?P<vcpus>[0-9]{1,5})"
    r"\s+(?P<state>[-a-zA-Z?]{6})\s+(?P<seconds>[0-9]{1,12}\.[0-9])"
    r"\s(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s+(?:-|[0-9a-f]{1,8})\s+\S+"
)
#: `xl info` (02-info.json)
_PAIR = re.compile(r"([a-z0-9_]+) *: ?(.*)")
#: one line of grep: file, then the name in quotes, as xl.cfg wants it (field reference B.4)
_DEFINITION = re.compile(
    r"/[^:]+\.cfg:\s*name\s*=\s*(?P<quote>['\"])(?P<name>.+?)(?P=quote)\s*;?\s*(?:#.*)?"
)


class XlToolstack(Toolstack):
    driver = "xl"

    async def info(self) -> HostInfo:
        """Version, memory and abilities."""
        return await self.session.run(info())

    async def domains(self) -> tuple[Domain, ...]:
        """Every domain that exists now, without Domain-0."""
        return await self.session.run(list_domains())

    async def configs(self) -> tuple[DomainConfig, ...]:
        """The configuration of each domain that exists now and can be read."""
        return await self.session.run(list_configs())

    async def defined(self) -> tuple[str, ...]:
        """Names of the guests that have a configuration file on this host."""
        return await self.session.run(list_definitions())

    async def transfers(self) -> tuple[Transfer, ...]:
        """The processes that send or receive a domain now."""
        found: list[Transfer] = []
        for suspect in await self.session.run(xl_census.list_processes()):
            is_monitor = suspect.may_be_a_monitor and await self.session.run(
                xl_census.reads_nothing(suspect.pid)
            )
            if not is_monitor:
                found.append(suspect.transfer())
        return tuple(found)

    def migrate_words(self, guest: str, target: str) -> tuple[str, ...]:
        """The command that moves *guest* to *target* live, to be run detached."""
        for word in (guest, target):
            if not _GUEST.fullmatch(word) or len(word) > LONGEST_NAME:
                raise Refused(_("{word} is no name that xl takes.").format(word=ascii(word[:40])))
        return ("sudo", "xl", "migrate", guest, target)

    def read_migration(self, exit_code: int, stdout: str, stderr: str) -> MigrationOutcome:
        """What a finished migrate command said."""
        return xl_migration.read(exit_code, stderr)

    def destroy_words(self, domid: int) -> tuple[str, ...]:
        """The command that ends the domain *domid* at once, to be run detached."""
        if not 0 < domid < FIRST_RESERVED:
            raise Refused(_("{domid} is no domain of a guest.").format(domid=domid))
        return ("sudo", "xl", "destroy", str(domid))

    def read_destroy(self, exit_code: int, stdout: str, stderr: str) -> str:
        """Why a finished destroy command failed; empty where it reports none."""
        return xl_destruction.read(exit_code, stderr)

    async def console_log(self, guest: str, last: int) -> ConsoleLog | None:
        """The last *last* bytes that the console of *guest* printed, where a log is kept."""
        log = await self._console_log_of(guest)
        if log is None:
            return None
        path, printed = log
        return ConsoleLog(await self.session.run(xl_console.end_of(path, last)), printed)

    async def console_printed(self, guest: str) -> float | None:
        """When the console of *guest* last printed something, by its log."""
        log = await self._console_log_of(guest)
        return None if log is None else log[1]

    async def _console_log_of(self, guest: str) -> tuple[str, float] | None:
        """The log of *guest* and when it was written to; raises `Refused` for what is no name."""
        if not _GUEST.fullmatch(guest) or len(guest) > LONGEST_NAME:
            raise Refused(_("{word} is no name that xl takes.").format(word=ascii(guest[:40])))
        if not self.console_log_path:
            return None
        return await self.session.run(xl_console.newest(self.console_log_path, guest))

    async def can_view(self) -> bool:
        """Whether a console can be attached to without any chance to type."""
        return xl_console.can_view((await self.info()).xen_version)

    async def view_console(self, domid: int, seconds: float) -> str:
        """What the console of *domid* has to show within *seconds*, without a terminal."""
        return await self.session.run(xl_console.view(self.host, domid, seconds))

    async def visit_console(
        self,
        domid: int,
        keys: tuple[bytes, ...] = (),
        may_type: Callable[[str], bool] = anything,
    ) -> Visited:
        """Attach to the console of *domid* with a terminal, type *keys*, and detach."""
        return await self.session.run(xl_console.visit(self.host, domid, keys, may_type))

    async def sysrq(self, domid: int, key: str) -> None:
        """Send the magic SysRq *key* to the kernel of *domid*."""
        await self.session.run(xl_console.sysrq(domid, key))


def list_domains() -> Call[tuple[Domain, ...]]:
    """Every domain but Domain-0, from the long table."""
    return Call(("sudo", "xl", "list", "-v"), read_domains)


def list_configs() -> Call[tuple[DomainConfig, ...]]:
    """The configurations, as JSON."""
    return Call(("sudo", "xl", "list", "-l"), xl_json.read_configs)


def info() -> Call[HostInfo]:
    """What the hypervisor says of itself."""
    return Call(("sudo", "xl", "info"), read_info)


def list_definitions() -> Call[tuple[str, ...]]:
    """The names in the configuration files."""
    pattern = "^[[:space:]]*name[[:space:]]*="
    words = ("grep", "-rHE", "--include=*.cfg", pattern, "/etc/xen")
    return Call(words, read_definitions)


def read_domains(output: Output) -> tuple[Domain, ...]:
    """The table of `xl list -v`, which always begins with Domain-0."""
    must_succeed(output, "xl list")
    header, *lines = output.stdout.split("\n")
    if " ".join(header.split()) != _HEADER or not lines or lines.pop() != "":
        raise not_understood("xl list", header)
    domains = [_domain(line) for line in lines]
    ids = [domain.domid for domain in domains]
    if 0 not in ids or len(set(ids)) != len(ids):
        raise not_understood("xl list")
    return tuple(domain for domain in domains if domain.domid != 0)


def _domain(line: str) -> Domain:
    match = _LINE.fullmatch(line)
    if match is None or not match["name"].isprintable() or len(match["name"]) > LONGEST_NAME:
        raise not_understood("xl list", line)
    return Domain(
        name=match["name"],
        domid=int(match["domid"]),
        uuid=match["uuid"],
        memory=Size.mib(int(match["memory"])),
        vcpus=int(match["vcpus"]),
        state=match["state"],
        cpu_seconds=float(match["seconds"]),
    )


def read_info(output: Output) -> HostInfo:
    """The pairs of `xl info`; more of them than are known do no harm."""
    must_succeed(output, "xl info")
    pairs = {
        match[1]: match[2] for match in map(_PAIR.fullmatch, output.stdout.split("\n")) if match
    }
    try:
        return HostInfo(
            name=pairs["host"].strip(),
            xen_version=clean(pairs["xen_version"], 40),
            total_memory=_mib(pairs["total_memory"]),
            free_memory=_mib(pairs["free_memory"]),
            virt_caps=frozenset(pairs["virt_caps"].split()),
        )
    except KeyError as error:
        raise not_understood("xl info", f"no {error.args[0]}") from error


def _mib(text: str) -> Size:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise not_understood("xl info", text)
    return Size.mib(int(text))


def read_definitions(output: Output) -> tuple[str, ...]:
    """The names that grep found; exit code 1 means that there are none."""
    if output.exit == 1 and not output.stdout and not output.stderr:
        return ()
    must_succeed(output, "grep")
    names = set()
    for line in output.stdout.removesuffix("\n").split("\n"):
        match = _DEFINITION.fullmatch(line)
        if match is None or not match["name"].isprintable() or len(match["name"]) > LONGEST_NAME:
            raise not_understood("grep", line)
        names.add(match["name"])
    return tuple(sorted(names))
