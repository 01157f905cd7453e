"""`xl console` and `xl sysrq`: attaching to what a guest prints, and its kernel's magic keys.

After xen tools/console/client/main.c; recorded are 41 (no such domain), 42 (without a terminal) and
85 to 87 (with one).
"""

from __future__ import annotations

import asyncio

from bot.lab.command import Command, Keyboard
from bot.lab.consoles.console import Console
from bot.lab.domains import Domain, Life
from bot.lab.xl.lifecycle import come_back
from bot.lab.xl.options import find_domain, read_words

#: errno, with which the client ends
_ENOENT, _EAGAIN = 2, 11
#: the client lets go where it reads this byte alone, and it reads so many at most
ESCAPE, _READ = b"\x1d", 60


async def console(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl console [-t pv|serial] [-n NUMBER] NAME|ID`; it ends by itself only with the domain.

    What is typed is read only where stdin and stdout both are terminals.
    """
    words = read_words(arguments, "ht:n:", least=1)
    domain = find_domain(command, words.rest[0])
    if domain is None:
        return 1  # 41-console-unknown
    found = command.dom0.consoles.of(domain)
    first = words.options.get("t", "pv") == "pv" and words.options.get("n", "0") == "0"
    if found is None or not first:
        command.err("xenconsole: Could not read tty from store: No such file or directory\n")
        return _ENOENT
    if found.held:
        lock = f"/var/lock/xenconsole.{domain.domid}"
        command.err(f"xenconsole: Could not lock {lock}: Resource temporarily unavailable\n")
        return _EAGAIN
    found.attach(lambda data: command.out(data.decode("utf-8", "surrogateescape")))
    try:
        await _attached(found, command.keyboard)
    finally:
        # the kernel frees the lock with the process, however that ends
        found.detach()
    return 0


async def _attached(found: Console, keyboard: Keyboard | None) -> None:
    gone = asyncio.ensure_future(found.closed.wait())
    typing = asyncio.ensure_future(_type(found, keyboard)) if keyboard is not None else gone
    try:
        await asyncio.wait({gone, typing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        typing.cancel()


async def _type(found: Console, keyboard: Keyboard) -> None:
    """Pass on what is typed, up to the byte that detaches, or to the terminal's end."""
    while data := await keyboard.get():
        for start in range(0, len(data), _READ):
            read = data[start : start + _READ]
            if read == ESCAPE:
                return
            found.type(read)


async def sysrq(command: Command, arguments: tuple[str, ...]) -> int:
    """`xl sysrq NAME KEY`; the words of `xl` are not recorded (xen tools/xl/xl_vmcontrol.c)."""
    name, key = read_words(arguments, "h", least=2).rest[:2]
    domain = find_domain(command, name)
    if domain is None:
        return 1
    if len(key) != 1:
        command.err("Invalid sysrq.\n\n")
        return 1
    system = command.dom0.consoles.guest(domain)
    if system is not None and domain.life is Life.ALIVE:
        system.kernel(f"sysrq: {_SAID.get(key, _HELP)}")
        await _act(command, domain, key)
    return 0


async def _act(command: Command, domain: Domain, key: str) -> None:
    """What the key does beside the line that is printed."""
    system = command.dom0.consoles.guest(domain)
    if key == "b":
        command.world.chores.start(come_back(command, domain))
    elif key == "o":
        command.dom0.drop(domain)
    elif key == "c" and system is not None:
        system.kernel("Kernel panic - not syncing: sysrq triggered crash")
        # on_crash is destroy where the configuration says nothing
        command.dom0.live(domain, Life.CRASHED)
        command.world.chores.start(_destroyed(command, domain))
    elif key == "s" and system is not None:
        system.kernel("Emergency Sync complete")
    elif key == "u" and system is not None:
        system.kernel("Emergency Remount complete")


async def _destroyed(command: Command, domain: Domain) -> None:
    await asyncio.sleep(command.world.pace.destroy)
    if command.dom0.holds(domain):
        command.dom0.drop(domain)


#: linux drivers/tty/sysrq.c, 6.1
_SAID = {
    **{str(level): "Changing Loglevel" for level in range(10)},
    "b": "Resetting",
    "c": "Trigger a crash",
    "e": "Terminate All Tasks",
    "f": "Manual OOM execution",
    "i": "Kill All Tasks",
    "j": "Emergency Thaw of all frozen filesystems",
    "k": "SAK",
    "l": "Show backtrace of all active CPUs",
    "m": "Show Memory",
    "n": "Nice All RT Tasks",
    "o": "Power Off",
    "p": "Show Regs",
    "q": "Show clockevent devices & pending hrtimers (no others)",
    "r": "Keyboard mode set to system default",
    "s": "Emergency Sync",
    "t": "Show State",
    "u": "Emergency Remount R/O",
    "w": "Show Blocked State",
    "z": "Dump ftrace buffer",
}
_HELP = (
    "HELP : loglevel(0-9) reboot(b) crash(c) terminate-all-tasks(e) memory-full-oom-kill(f) "
    "kill-all-tasks(i) thaw-filesystems(j) sak(k) show-backtrace-all-active-cpus(l) "
    "show-memory-usage(m) nice-all-RT-tasks(n) poweroff(o) show-registers(p) show-all-timers(q) "
    "unraw(r) sync(s) show-task-states(t) unmount(u) show-blocked-tasks(w) dump-ftrace-buffer(z)"
)
