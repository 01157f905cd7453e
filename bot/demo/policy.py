"""Who may do what in the demonstration, and the accounts that its persons get there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.script import SPEAKER
from bot.errors import ConfigError
from bot.i18n import _

DOMAIN = "localhost"
BOT = "bot"
#: in the room, with no role
STRANGER = "stranger"

#: what an apprentice may do in the lab: look, and get their own questions answered
LOOKING = (
    "alert.list",
    "alert.show",
    "bot.*",
    "domu.list",
    "domu.show",
    "hold.list",
    "incident.list",
    "incident.note",
    "job.list",
    "job.show",
    "job.release",
    "audit.tail",
    "access.confirm",
    "access.grants",
)

_MEMBERS = {"nounou": ["nounou"], "nounou2": ["nounou"], "apprenti": ["apprenti"]}
_ROLES = {"nounou": {"allow": ["*"]}, "apprenti": {"allow": list(LOOKING)}}
#: only what destroys waits, for a second person: a script migrates without being asked twice
_APPROVALS = {
    "changes": "none",
    "interrupts": "none",
    "destroys": "second",
    "reactions": ["changes", "interrupts"],
    "allow_plaintext_approvals": True,
}


@dataclass(frozen=True)
class Cast:
    """The persons of one demonstration: their accounts, and the policy as the config writes it."""

    #: person -> local part of the chat id, for everybody in the room but the bot
    accounts: Mapping[str, str]
    #: the persons that the bot knows
    members: frozenset[str]
    #: the keys `members`, `roles` and `approvals` of the bot's configuration
    policy: Mapping[str, Any]

    @property
    def host(self) -> str:
        """Who makes the room and sits at the prompt: nounou, or else the policy's first member."""
        return SPEAKER if SPEAKER in self.members else next(iter(self.accounts))

    def chat_id(self, person: str) -> str:
        return f"@{self.accounts[person]}:{DOMAIN}"


def of_the_lab() -> Cast:
    """Two administrators, an apprentice who may look, and a stranger."""
    return _cast(_MEMBERS, _ROLES, _APPROVALS)


def of_file(path: Path) -> Cast:
    """The members of the file *path*, each with an account, and their roles; raises `ConfigError`.

    Where it does not say who has to agree to what, it is as in the lab.
    """
    from bot.config import Policy, load_policy, problems  # pydantic is slow to import

    if wrong := problems(path, Policy):
        raise ConfigError(
            _("the policy {path} is wrong:\n{problems}").format(
                path=path, problems="\n".join(map(str, wrong))
            )
        )
    policy = load_policy(path)
    if not policy.members:
        raise ConfigError(_("the policy {path} names no member").format(path=path))
    members = {person: list(member.roles) for person, member in policy.members.items()}
    roles = {name: role.model_dump() for name, role in policy.roles.items()}
    own = "approvals" in policy.model_fields_set
    return _cast(members, roles, policy.approvals.model_dump() if own else _APPROVALS)


def _cast(
    members: Mapping[str, list[str]], roles: Mapping[str, Any], approvals: Mapping[str, Any]
) -> Cast:
    accounts = _accounts([*members, *([] if STRANGER in members else [STRANGER])])
    return Cast(
        accounts,
        frozenset(members),
        {
            "members": {
                person: {"ids": [f"@{accounts[person]}:{DOMAIN}"], "roles": theirs}
                for person, theirs in members.items()
            },
            "roles": dict(roles),
            "approvals": dict(approvals),
        },
    )


def _accounts(persons: list[str]) -> dict[str, str]:
    """A local part for each person: their name in lower case, which Matrix demands, each once."""
    taken = {BOT}
    accounts = {}
    for person in persons:
        name, more = person.lower(), 1
        while name in taken:
            more += 1
            name = f"{person.lower()}-{more}"
        taken.add(name)
        accounts[person] = name
    return accounts
