"""Who may do what: persons have roles, roles have rights; what is denied wins, unknown means no."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bot.core.patterns import any_matches
from bot.core.right import Asked, Right
from bot.i18n import _

__all__ = ["Asked", "Decision", "Policy", "Right", "Rights", "Role", "Rule"]


@dataclass(frozen=True)
class Role:
    """What its members may do; a denial wins over any grant of any role."""

    allow: tuple[Right, ...] = ()
    deny: tuple[Right, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A right, and where it comes from, as part of a sentence: ``role apprentice``."""

    right: Right
    source: str = ""
    #: what they have themselves who granted it; beyond that it gives nothing
    giver: Rights | None = None

    def allows(self, asked: Asked, name: str | None) -> bool:
        """As `Right.allows`, as far as its giver may do the same."""
        if not self.right.allows(asked, name):
            return False
        objects = () if name is None else (name,)
        return self.giver is None or self.giver.decide(replace(asked, objects=objects)).allowed

    def __str__(self) -> str:
        return f"{self.right} ({self.source})" if self.source else str(self.right)


@dataclass(frozen=True)
class Decision:
    """Whether a command is allowed, and the rule that says so; None where no rule speaks of it."""

    allowed: bool
    rule: Rule | None = None
    #: the object that nothing allows
    object: str = ""


@dataclass(frozen=True)
class Rights:
    """Everything that one person may do, from all roles and grants together."""

    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()

    def decide(self, asked: Asked) -> Decision:
        """Whether *asked* may be done, by which rule; each object needs one that allows it."""
        for rule in self.deny:
            if rule.right.concerns(asked):
                return Decision(False, rule)
        deciding: Rule | None = None
        for name in asked.objects or (None,):
            found = next((rule for rule in self.allow if rule.allows(asked, name)), None)
            if found is None:
                return Decision(False, None, name or "")
            deciding = deciding or found
        return Decision(True, deciding)

    def verb(self, verb: str, *, objects: bool = True) -> bool:
        """Whether *verb* may be done on anything at all, in any way.

        *objects*: rights to some objects count, since the command takes or filters some.
        """
        if any(not deny.limited and not deny.arguments for deny in self._denied(verb)):
            return False
        allowed = self._allowed(verb, lambda giver: giver.verb(verb, objects=objects))
        return any(objects or not allow.limited for allow in allowed)

    def object(self, verb: str, name: str) -> bool:
        """Whether *verb* may be done on the object called *name*, in any way."""
        if any(not deny.arguments and deny.has_object(name) for deny in self._denied(verb)):
            return False
        allowed = self._allowed(verb, lambda giver: giver.object(verb, name))
        return any(allow.has_object(name) for allow in allowed)

    def denies_on(self, verb: str, name: str | None = None) -> bool:
        """Whether *verb* is denied ``on`` some objects, or on those called *name*, of any kind."""
        return any(
            deny.objects != ("*",) and not deny.arguments and (not name or deny.has_object(name))
            for deny in self._denied(verb)
        )

    def every(self, verb: str) -> bool:
        """Whether *verb* may be done on every object, so that none must be hidden."""
        if any(not deny.arguments for deny in self._denied(verb)):
            return False
        return any(not allow.limited for allow in self._allowed(verb, lambda r: r.every(verb)))

    def whatever(self, verb: str) -> Rule | None:
        """The rule by which *verb* may be done with any words; None where it depends on them."""
        if any(self._denied(verb)):
            return None
        for rule in self.allow:
            right, giver = rule.right, rule.giver
            if not right.has_verb(verb) or right.limited or right.arguments:
                continue
            if giver is None or giver.whatever(verb) is not None:
                return rule
        return None

    def argument(self, verb: str, parameter: str, word: str) -> bool:
        """Whether *verb* may be done with *word* as *parameter*, on anything."""
        for deny in self._denied(verb):
            patterns = _only(deny, parameter)
            if patterns and any_matches(patterns, word):
                return False
        allowed = self._allowed(verb, lambda giver: giver.argument(verb, parameter, word))
        return any(
            any_matches(dict(allow.arguments).get(parameter, ("*",)), word) for allow in allowed
        )

    def limits(self, verb: str, parameter: str) -> bool:
        """Whether some words may not stand as *parameter* of *verb*."""
        if any(_only(deny, parameter) for deny in self._denied(verb)):
            return True
        allowed = self._allowed(verb, lambda giver: not giver.limits(verb, parameter))
        return all(parameter in dict(allow.arguments) for allow in allowed)

    def within(self, right: Right) -> Decision:
        """Whether all that *right* gives may be done with these, and the rule that stands against.

        It never says yes where something would be given that is not here, and may say no where the
        rights only together cover it.  Ask it of the rights of all rooms (`Policy.everywhere`).
        What was granted for a time is not counted, nor what is denied on objects of another kind
        than *right* speaks of: that shows at each use, which the giver has to be allowed as well.
        """
        for rule in self.deny:
            if rule.right.touches(right):
                return Decision(False, rule)
        deciding: Rule | None = None
        for part in right.parts():
            own = (rule for rule in self.allow if rule.giver is None)
            found = next((rule for rule in own if rule.right.covers(part)), None)
            if found is None:
                return Decision(False)
            deciding = deciding or found
        return Decision(True, deciding)

    def _allowed(self, verb: str, giver_may: Callable[[Rights], bool]) -> Iterator[Right]:
        """The rights to *verb*; those that were granted where their *giver_may* do the same."""
        for rule in self.allow:
            if rule.right.has_verb(verb) and (rule.giver is None or giver_may(rule.giver)):
                yield rule.right

    def _denied(self, verb: str) -> Iterator[Right]:
        return (rule.right for rule in self.deny if rule.right.has_verb(verb))


def _only(deny: Right, parameter: str) -> tuple[str, ...]:
    """The words that *deny* takes away as *parameter*, whatever the object and the rest."""
    if not deny.limited and [name for name, _patterns in deny.arguments] == [parameter]:
        return deny.arguments[0][1]
    return ()


@dataclass(frozen=True)
class Policy:
    """Persons by chat id, roles by person, rights by role."""

    persons: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rights: Mapping[str, Role] = field(default_factory=dict)

    def person(self, chat_id: str) -> str | None:
        """Who writes under *chat_id*; None for everybody that the config does not name."""
        return self.persons.get(chat_id)

    def named(self, word: str) -> str:
        """The person whom *word* means, a name or a chat id; *word* itself where it is nobody's."""
        return self.persons.get(word, word)

    def of(self, person: str, room: str = "") -> Rights:
        """What *person* may do in *room*; nothing for somebody without a role."""
        rights = self.everywhere(person)
        return Rights(
            tuple(rule for rule in rights.allow if rule.right.has_room(room)),
            tuple(rule for rule in rights.deny if rule.right.has_room(room)),
        )

    def everywhere(self, person: str) -> Rights:
        """The rights of *person* in every room at once, each with its rooms."""
        allow: list[Rule] = []
        deny: list[Rule] = []
        for name in self.roles.get(person, ()):
            role = self.rights.get(name, Role())
            source = _("role {role}").format(role=name)
            allow += (Rule(right, source) for right in role.allow)
            deny += (Rule(right, source) for right in role.deny)
        return Rights(tuple(allow), tuple(deny))
