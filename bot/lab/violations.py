"""The rules that must never break, watched by the world itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.lab.dom0 import Dom0


@dataclass(frozen=True)
class Violation:
    """One time that a rule was broken; `at` in seconds of the world."""

    at: float
    rule: str
    #: the guest's name, or the WWN of a volume
    what: str
    #: where: HOST or HOST/DOMAIN
    where: tuple[str, ...]


class Watch:
    """Looks at the whole world after each change and writes down what newly broke."""

    def __init__(self) -> None:
        self.seen: list[Violation] = []
        self._standing: set[tuple[str, str, tuple[str, ...]]] = set()

    def look(self, now: float, hosts: Iterable[Dom0]) -> None:
        """Compare all hosts; something that stays broken is written down once."""
        broken = set(_broken(tuple(hosts)))
        self.seen += [Violation(now, *found) for found in sorted(broken - self._standing)]
        self._standing = broken


def _broken(hosts: tuple[Dom0, ...]) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    copies: dict[str, list[tuple[str, str]]] = {}
    writers: dict[str, set[str]] = {}
    for host in hosts:
        for domain in host.domains.values():
            if not domain.runs:
                continue
            copies.setdefault(domain.guest.uuid, []).append((host.name, domain.guest.name))
            for disk in domain.guest.disks:
                wwn = domain.volumes.get(disk.path)
                if wwn and disk.writable:
                    writers.setdefault(wwn, set()).add(f"{host.name}/{domain.domid}")
                own = host.disks.array.volumes.get(disk.path.removeprefix("/dev/"))
                if wwn and own and own.wwn != wwn:
                    yield (
                        "a volume open under another's name",
                        wwn,
                        (f"{host.name}/{domain.domid}",),
                    )
    for found in copies.values():
        if len(found) > 1:
            yield "two copies run", found[0][1], tuple(sorted(host for host, _ in found))
    for wwn, where in writers.items():
        if len(where) > 1:
            yield "one volume open twice", wwn, tuple(sorted(where))
