"""A DomU's console: what it shows, and typing there."""

from dataclasses import replace

from bot.api import (
    Context,
    DeviceError,
    DomU,
    Keys,
    Keystroke,
    LineCount,
    Plan,
    Refused,
    Reply,
    Requeue,
    Shot,
    Span,
    Typing,
    Unreachable,
    UsageError,
    _,
    at_console,
    command,
    console_headline,
    console_watch,
    duration,
    ngettext,
)

ENTER = Keystroke.read("enter")


@command(
    "console",
    needs="console.show",
    further={"send": "console.type", "press_enter": "console.type"},
)
async def console(
    ctx: Context,
    domu: DomU,
    *,
    history: LineCount | None = None,
    watch: Span | None = None,
    send: Keys | None = None,
    press_enter: bool = False,
    dry_run: bool = False,
) -> Reply:
    """Show what is on a DomU's console, and say what that means.

    It is read from the host's log of it where there is one; else by attaching without typing
    anything. --history 50 shows the last lines, --watch 2m shows it as it changes. --press-enter
    and --send enter, ctrl-c or "a text" type there, once it is confirmed.

    Example: console vm
    """
    facts = ctx.plan.facts if ctx.plan is not None else None
    if isinstance(facts, Typing):
        return await at_console.answer(ctx, await at_console.carry_out(ctx, facts))
    if watch is not None:
        return await _watched(ctx, domu, watch)
    shot = await at_console.see(ctx, await at_console.find(ctx, domu.name))
    if history is not None:
        return _history(ctx, shot, history)
    return await at_console.answer(ctx, shot)


@console.check
async def _one_thing_at_a_time(
    ctx: Context, domu: DomU, *, watch: float | None = None, dry_run: bool = False, **more: object
) -> None:
    if sum(each not in (None, False) for each in (watch, *more.values())) > 1:
        raise UsageError(_("--history, --watch, --send and --press-enter do not go together."))
    longest = ctx.console_rules.watch_longest
    if watch is not None and not 0 < watch <= longest:
        raise UsageError(
            _("A watch lasts {time} at most.").format(time=duration(longest)),
            hint=_("console.watch_longest in the config says so."),
        )


@console.plan
async def _plan(
    ctx: Context,
    domu: DomU,
    *,
    send: Keystroke | None = None,
    press_enter: bool = False,
    **_more: object,
) -> Plan:
    if send is None and not press_enter:
        return Plan()
    return await at_console.plan_typing(ctx, domu.name, send or ENTER)


@console.recover
async def _recover(ctx: Context, domu: DomU, **_options: object) -> Reply:
    """What was typed cannot be taken back, nor be seen to have arrived: it is never typed again."""
    if "typed" not in ctx.notes:
        raise Requeue
    raise at_console.after_a_crash(ctx, domu.name)


@console.settle
async def _settle(ctx: Context, domu: DomU, **_options: object) -> Reply:
    """A person has looked at it: whatever arrived has arrived, and what shows is told if it can."""
    try:
        shot = await at_console.see(ctx, await at_console.find(ctx, domu.name))
    except Unreachable:
        raise
    except (DeviceError, Refused) as error:
        now = _("Its console cannot be read: {why}").format(why=error)
    else:
        now = console_headline(shot.whose, shot.notices)
    return Reply(_("Whether that was typed is not known. {now}").format(now=now))


async def _watched(ctx: Context, domu: DomU, seconds: float) -> Reply:
    shot, ended = await console_watch.follow(ctx, await at_console.find(ctx, domu.name), seconds)
    reply = await at_console.answer(ctx, shot)
    return replace(reply, hint=f"{ended}\n{reply.hint}")


def _history(ctx: Context, shot: Shot, count: int) -> Reply:
    lines = at_console.history(shot, count)
    return Reply(
        ngettext(
            "The last line of {whose}'s console.",
            "The last {count} lines of {whose}'s console.",
            len(lines),
        ).format(count=len(lines), whose=shot.whose),
        "\n".join(lines),
        at_console.how(ctx, shot),
    )
