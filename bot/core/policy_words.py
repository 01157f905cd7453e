"""A policy in lines, which people can compare, and as digests of all that it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from bot.core.approvals import Approvals
from bot.core.policy import Policy
from bot.i18n import _


def described(policy: Policy, approvals: Approvals) -> tuple[str, ...]:
    """Each member, each right of each role, and who has to agree to what, one line each."""
    return (*_members(policy), *_roles(policy), *_approvals(approvals))


def digests(policy: Policy, approvals: Approvals) -> dict[str, str]:
    """A SHA-256 of all that each key says, in whatever language people are told of it."""
    said: dict[str, object] = {}
    for person in {*policy.roles, *policy.persons.values()}:
        ids = sorted(each for each, owner in policy.persons.items() if owner == person)
        said[f"members.{person}"] = [ids, policy.roles.get(person, ())]
    for name, role in policy.rights.items():
        said[f"roles.{name}"] = [[*map(str, role.allow)], [*map(str, role.deny)]]
    said["approvals"] = [
        sorted((risk.name, need.name) for risk, need in approvals.by_risk.items()),
        [[str(right), need.name] for right, need in approvals.also],
        sorted(risk.name for risk in approvals.reactions),
        [approvals.plaintext, approvals.expire, approvals.break_glass],
    ]
    return {key: _sha256(said[key]) for key in sorted(said)}


def digest_of(digests: Mapping[str, str]) -> str:
    """One digest of all *digests*: of the policy as a whole."""
    return _sha256(sorted(digests.items()))


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _members(policy: Policy) -> Iterator[str]:
    for person, roles in policy.roles.items():
        ids = sorted(each for each, owner in policy.persons.items() if owner == person)
        yield _("member {person} ({ids}): {roles}").format(
            person=person, ids=", ".join(ids), roles=", ".join(roles) or _("no role")
        )


def _roles(policy: Policy) -> Iterator[str]:
    for name, role in policy.rights.items():
        for right in role.allow:
            yield _("role {role} may: {right}").format(role=name, right=right)
        for right in role.deny:
            yield _("role {role} may not: {right}").format(role=name, right=right)


def _approvals(approvals: Approvals) -> Iterator[str]:
    for risk, need in approvals.by_risk.items():
        yield f"approvals.{risk.name.lower()}: {need.name.lower()}"
    for right, need in approvals.also:
        yield f"approvals.also: {right}: {need.name.lower()}"
    reactions = sorted(risk.name.lower() for risk in approvals.reactions)
    yield f"approvals.reactions: {', '.join(reactions) or '-'}"
    yield f"approvals.allow_plaintext_approvals: {str(approvals.plaintext).lower()}"
    yield f"approvals.expire: {approvals.expire:g}s"
    yield f"approvals.break_glass: {approvals.break_glass:g}s"
