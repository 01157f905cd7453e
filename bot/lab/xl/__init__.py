"""The `xl` of Xen 4.17, as the recordings of two real hosts show it."""

from __future__ import annotations

from importlib.resources import files

from bot.lab.command import Command
from bot.lab.xl import console, destroy, details, information, lifecycle, listing, migrate
from bot.lab.xl.options import BadOption, SubCommand, TooFewWords

#: sub-commands that the lab knows
_KNOWN: dict[str, SubCommand] = {
    "list": listing.list_domains,
    "vm-list": listing.vm_list,
    "uptime": listing.uptime,
    "domid": listing.domid,
    "domname": listing.domname,
    "info": information.info,
    "block-list": details.block_list,
    "network-list": details.network_list,
    "create": lifecycle.create,
    "destroy": destroy.destroy,
    "shutdown": lifecycle.shutdown,
    "reboot": lifecycle.reboot,
    "pause": lifecycle.pause,
    "unpause": lifecycle.unpause,
    "migrate": migrate.migrate,
    "console": console.console,
    "sysrq": console.sysrq,
}


async def xl(command: Command) -> int:
    """Carry out an `xl` command line."""
    words = command.words[1:]
    while words and words[0] in {"-v", "-f", "-N", "-t", "-T"}:
        words = words[1:]
    if not words or words[0] == "help":
        command.out(files(__package__).joinpath("help.txt").read_text())
        return 0 if words else 1  # 55-no-args
    if not command.root:
        command.err(_NOT_ROOT)
        return 1
    program = _KNOWN.get(words[0])
    if program is None:
        command.err("command not implemented\n")  # 54-unknown-command
        return 1
    try:
        return await program(command, words)
    except BadOption as bad:
        command.err(f"option `{bad.letter}' not supported.\n")
        return 2  # 56-list-bad-option
    except TooFewWords as few:
        command.err(str(few))
        return 2  # xen tools/xl/xl_utils.c, not recorded


#: 57-not-root
_NOT_ROOT = (
    "xencall: error: Could not obtain handle on privileged command interface: Permission denied\n"
    "libxl: error: libxl.c:102:libxl_ctx_alloc: cannot open libxc handle: Permission denied\n"
    "cannot init xl context\n"
)
