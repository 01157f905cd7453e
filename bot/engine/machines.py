"""Finding the machine that somebody names, whose clock can be asked."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.holds import HoldKind
from bot.core.text import clean, did_you_mean
from bot.engine.clocks import Clocks, Machine
from bot.engine.inventory import Inventory
from bot.engine.sought import Sought, several
from bot.errors import Refused, UsageError
from bot.i18n import _


async def find_machine(
    clocks: Clocks,
    inventory: Inventory,
    sought: Sought,
    may: Callable[[str], bool],
    word: int = 1,
) -> Machine:
    """The one Dom0 or DomU that *sought*, the line's *word*, names; hints name what *may* be seen.

    Raises `UsageError` where there is none or where it is not said which, `Refused` for a DomU that
    does not run, and where nobody can tell whether it does.
    """
    world, name = inventory.world, sought.name
    host = world.hosts.get(name) if sought.fits(HoldKind.HOST) else None
    places, silent = await clocks.places()
    if host is None and name not in places:
        # one that is stopped, and that nobody has seen since the bot started
        await inventory.refresh()
    guests = {*places, *inventory.names("domu"), *world.guests}
    is_guest = sought.fits(HoldKind.DOMU) and name in guests
    if host is not None and is_guest:
        raise UsageError(several(name, (HoldKind.DOMU, HoldKind.HOST)), word=word)
    if host is not None:
        return clocks.host(host)
    if not is_guest:
        raise UsageError(
            _("There is no Dom0 and no DomU called {name}.").format(name=clean(name, 60)),
            hint=did_you_mean(name, filter(may, {*guests, *world.hosts})),
            word=word,
        )
    if name not in places and not silent:
        raise Refused(_("{name} does not run, and neither does its clock.").format(name=name))
    if name not in places and name not in world.guests:
        raise Refused(
            _("Whether {name} runs is not known: a Dom0 does not answer.").format(name=name),
            hint=_("!status shows which."),
        )
    return clocks.guest(name, places.get(name, ""))
