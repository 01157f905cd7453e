"""A policy in lines, so that two of them can be compared by people."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.approvals import Approvals
from bot.core.policy import Policy
from bot.i18n import _


def described(policy: Policy, approvals: Approvals) -> tuple[str, ...]:
    """Each member, each right of each role, and who has to agree to what, one line each."""
    return (*_members(policy), *_roles(policy), *_approvals(approvals))


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
