"""Whether the links of a Dom0 that came back lead where they should."""

from __future__ import annotations

from typing import Any

from bot.api import (
    DeviceError,
    Finding,
    Host,
    Look,
    Severity,
    Sight,
    Thing,
    Volume,
    _,
    clean,
    prove_links,
    volumes_by_name,
    watch,
    wrong_link,
)


@watch("links", every=60.0)
async def links(look: Look) -> Sight:
    """The links of each Dom0 after it came back, until all of them are verified."""
    unseen = {host.name for host in look.world.hosts.values() if not await _noticed(look, host)}
    disks: dict[str, list[str]] = look.memory.setdefault("disks", {})
    _forget_guests(look, disks)
    due = [name for name, state in _states(look).items() if state["due"] and name not in unseen]
    volumes = await volumes_by_name(look.world.arrays.values()) if due else {}
    findings = []
    for name in due:
        host = look.world.hosts[name]
        try:
            wrong = await _wrong(host, disks, volumes)
        except DeviceError:
            unseen.add(name)
            continue
        _states(look)[name]["due"] = bool(wrong)
        if wrong:
            findings.append(_finding(host, wrong))
    return Sight(tuple(findings), frozenset((Thing.HOST, name) for name in unseen))


def _states(look: Look) -> dict[str, dict[str, Any]]:
    """What is remembered of each host: which boot it was, whether its links are to be verified."""
    states: dict[str, dict[str, Any]] = look.memory.setdefault("hosts", {})
    for name in [name for name in states if name not in look.world.hosts]:
        del states[name]
    return states


async def _noticed(look: Look, host: Host) -> bool:
    """Note whether *host* came back, and the disks of what runs there; whether it answered."""
    state = _states(look).setdefault(host.name, {"boot": "", "due": True})
    try:
        boot = await host.toolstack.boot()
        configs = await host.toolstack.configs()
    except DeviceError:
        state["due"] = True
        return False
    if boot != state["boot"]:
        state |= {"boot": boot, "due": True}
    disks = look.memory.setdefault("disks", {})
    disks |= {config.name: [disk.path for disk in config.disks] for config in configs}
    return True


def _forget_guests(look: Look, disks: dict[str, list[str]]) -> None:
    """Forget the disks of guests that are defined nowhere any more."""
    hosts = look.world.hosts.keys()
    if hosts <= look.inventory.guests.keys() and not look.inventory.problems:
        known = look.inventory.names("domu")
        for name in [name for name in disks if name not in known]:
            del disks[name]


async def _wrong(
    host: Host, disks: dict[str, list[str]], volumes: dict[str, Volume]
) -> dict[str, str]:
    """What is wrong on *host* with the disks of each guest, a sentence each."""
    wrong = {}
    for guest, paths in sorted(disks.items()):
        proofs = await prove_links([host], paths, volumes)
        sentences = [
            wrong_link(proof, host)
            for proof in proofs
            # a disk that is no volume of an array has nothing to be verified against
            if proof.volume is not None and not proof.holds(host.name)
        ]
        if sentences:
            wrong[guest] = " ".join(sentences)
    return wrong


def _finding(host: Host, wrong: dict[str, str]) -> Finding:
    # a guest that is started on another's disk destroys it
    return Finding(
        host.name,
        Severity.CRITICAL,
        _("Links on {host} do not verify, those of the disks of {guests}.").format(
            host=host, guests=clean(", ".join(wrong), 200)
        ),
        frozenset({(Thing.HOST, host.name)}),
        details="\n".join(wrong.values()),
        hint=_("Start none of these there. Run the site's update script on it; this looks again."),
        group="hosts",
    )
