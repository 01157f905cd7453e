"""What shows a condition on a console: expressions for what waits, and for what has happened.

Field reference F; the words are those of Linux, e2fsprogs, util-linux' sulogin, initramfs-tools,
systemd, GRUB and the login of shadow and busybox.  An expression's group `about` says what it is
about.  Each works on one line, and on none backtracks further than that line is long.
"""

from __future__ import annotations

import re

from bot.core.console_conditions import Condition
from bot.core.console_lines import STAMP

#: a kernel has begun (the stamp), or an old one, which puts no stamp before it
BOOT = re.compile(r"^\[ *0\.0+\](?:\[ *[TC][0-9]+\])? Linux version [0-9]")
OLD_BOOT = re.compile(r"^Linux version [0-9]")
AFTER_OLD_BOOT = re.compile(r"^(?:Kernel c|C)ommand line:|^BIOS-provided|^KERNEL supported")
#: a kernel has ended: what was before is past
END = re.compile(rf"^{STAMP}(?:reboot: )?(?:Restarting system|System halted|Power down)\b")
#: the guest shuts down: no prompt above is one any more
LEAVING = re.compile(
    r"\] (?:Stopp|Unmount|Remov)(?:ed|ing) | {9}(?:Stopp|Unmount)ing |systemd-shutdown\["
    r"|Reached target .{0,60}(?:Shutdown|Power.?Off|Reboot|Halt|Unmount All)"
)
#: somebody could log in: what held up the start was dealt with before
LOGIN_LINE = re.compile(r"(?<![Ll]ast )\b[Ll]ogin:(?: |$)")


def _all(*expressions: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, expressions))


#: what has happened, wherever it stands; of several the first that is found at all counts
EVENTS: dict[Condition, tuple[re.Pattern[str], ...]] = {
    Condition.PANIC: _all(
        r"(?<!end )Kernel panic - not syncing", r"---\[ end Kernel panic", r"Kernel panic: "
    ),
    Condition.READ_ONLY: _all(
        r"\((?P<about>[\w.:-]{1,40})\)?\)?:.{0,20} [Rr]emounting file-?system read-only",
        r"[Rr]emounting file-?system read-only",
        r"BTRFS .{0,20}\(device (?P<about>[\w.:-]{1,40})[^)]{0,40}\).{0,80}forced readonly",
        r"XFS \((?P<about>[\w.:-]{1,40})\): .{0,80}(?:[Ss]hutting down filesystem|has been shut)",
    ),
    Condition.IO_ERROR: _all(
        # an empty floppy or CD drive is no fault
        r"I/O error,? (?:on )?dev(?:ice)? (?!fd[0-9]|sr[0-9])(?P<about>[\w-]{1,40})",
        r"critical (?:target|medium) error, dev (?P<about>[\w-]{1,40})",
        r"EXT[234]-fs error \(device (?P<about>[\w-]{1,40})\)",
        r"EXT[234]-fs warning \(device (?P<about>[\w-]{1,40})\).{0,80}I/O error",
        r"(?:XFS|BTRFS)[^(]{0,20}\((?:device )?(?P<about>[\w-]{1,40})\): .{0,80}I/O [Ee]rror",
        r"(?:Aborting journal|due to I/O error) on (?:device )?(?P<about>[\w-]{1,40})",
        r"session recovery timed out after [0-9]+ sec",
        r"rejecting I/O to (?:offline|dead) device",
        r": Input/output error$",
    ),
    Condition.OOPS: _all(
        r"BUG: (?!soft lockup|workqueue lockup|hard)\S",
        r"\bOops: ",
        r"kernel BUG at ",
        r"general protection fault(?:,|: [0-9a-f]{4} \[)",
    ),
    Condition.LOCKUP: _all(
        r"soft lockup - CPU#[0-9]+ stuck for .{1,20} \[(?P<about>[^\]]{1,40}):[0-9]+\]",
        r"soft lockup - CPU#|hard LOCKUP|workqueue lockup",
        r"\brcu\w*:? .{0,60}(?:detected stalls?|self-detected stall)",
    ),
    Condition.HUNG_TASK: _all(
        r"\btask (?P<about>.{1,40}):[0-9]+ blocked for more than [0-9]+ seconds"
    ),
    Condition.OOM: _all(
        r"[Oo]ut of memory: Kill(?:ed)? process [0-9]+ \((?P<about>.{1,40}?)\)(?=[ ,]|$)",
        r"oom-kill:.{0,400},task=(?P<about>[^,]{1,40}),pid=",
        r"Out of memory: Kill|invoked oom-killer",
    ),
    Condition.XEN_TIMEOUT: _all(r"XENBUS: Timeout connecting to device: (?P<about>[\w/-]{1,60})"),
}

#: what holds up the start until somebody has dealt with it
STATES: dict[Condition, tuple[re.Pattern[str], ...]] = {
    Condition.FSCK: _all(
        r"(?P<about>[\w/.=-]{1,80}): UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY",
        r"UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY",
        r"filesystem on (?P<about>[\w/.=-]{1,80}) requires a manual fsck",
        r"fsck (?:failed|exited) with (?:exit|status) ?(?:status|code) (?:[4-9]|1[0-9])\b",
    ),
    Condition.EMERGENCY: _all(
        r"You are in (?:emergency|rescue|single-user) mode",
        r"Give root password for (?:maintenance|login)|Press Enter for maintenance",
        r"Cannot open access to console, the root account is locked",
    ),
    Condition.INITRAMFS: _all(
        r"ALERT! +(?P<about>[\w/.=-]{1,80}) does not exist",
        r"Gave up waiting for (?:root|suspend)",
        r"Entering emergency mode\. Exit the shell to continue",
    ),
}

#: a menu fills the screen
MENU = re.compile(r"GNU GRUB  ?version|pyGRUB  ?version|Use the \S{1,3} and \S{1,3} keys to")
#: a device is waited for; the count goes on in the same line (Linux xenbus_probe_frontend.c)
WAITING = re.compile(r"XENBUS: Waiting for devices to initiali[sz]e")

#: what waits for somebody to type, the whole line up to the cursor
PROMPTS: tuple[tuple[Condition, re.Pattern[str]], ...] = (
    (
        Condition.EMERGENCY,
        re.compile(
            r"\((?:or )?(?:press|type) Control-D (?:to continue|for normal startup)\):?\s*$"
            r"|Give root password for (?:maintenance|login):?\s*$"
        ),
    ),
    (Condition.FSCK, re.compile(r"(?:<[yn]>|\([yn]\))\?\s*$|^\(Repair filesystem\) [0-9]+ #")),
    (Condition.BOOT_MENU, re.compile(r"^grub(?P<about> rescue)?>|^boot:\s*$")),
    (Condition.LOGIN, re.compile(r"^(?![Ll]ast )(?:[\w.-]{1,64} )?[Ll]ogin:\s*$")),
    (
        Condition.PASSWORD,
        re.compile(
            # stars stand for what somebody typed already
            r"(?i)(?:\b(?:password|pass ?phrase|passcode|passwort|mot de passe|your pin|enter pin"
            r"|verification code|one-time code)\b.{0,80}:|Please unlock disk \S{1,80}:"
            r"|\(press TAB for no echo\))\s*[*•]{0,200}\s*$"
        ),
    ),
    (
        Condition.QUESTION,
        re.compile(
            r"(?i)[\[(]y(?:es)?/no?(?:/\[?[^\])]{1,40}\]?)?[\])] ?[:?]?\s*$"
            r"|--More--(?:\([0-9]+%\))?\s*$|\(END\)\s*$|^:$|^lines [0-9]+-[0-9]+\S*\s*$"
            r"|\(Y/I/N/O/D/Z\) \[default=.\] \?\s*$|press (?:enter|return|any key)\b[^:]{0,40}\s*$"
            r"|Do you want to continue\?.{0,20}$"
        ),
    ),
)
#: the root volume was not found; also where something is typed already
INITRAMFS = re.compile(r"^\(initramfs\)(?: |$)|^dracut(?::\S{0,40})?# ?|^:/# ?")

#: shells that wait, with what is typed so far; `sign` is # for root
SHELLS = _all(
    # Debian, with the name of a chroot or of a Python environment before it
    r"^(?:\([^()]{1,40}\) ?)?(?P<user>[A-Za-z_][\w.-]{0,40})@(?:[\w.-]{1,80}|\(none\))"
    r":(?:[~/][^#$]{0,200})(?P<sign>[#$])(?: |$)",
    # Red Hat
    r"^\[(?P<user>[A-Za-z_][\w.-]{0,40})@[\w.-]{1,80} [^\]]{1,100}\](?P<sign>[#$])(?: |$)",
    # zsh, fish
    r"^(?P<user>[A-Za-z_][\w.-]{0,40})@[\w.-]{1,80} [~/]\S{0,200} ?(?P<sign>[#$%>])(?: |$)",
    # busybox
    r"^[~/][\w./~-]{0,200} (?P<sign>[#$])(?: |$)",
    r"^-?(?:ba|da|a|k|z)?sh-[0-9][0-9.]{0,10}(?P<sign>[#$])(?: |$)",
    # a bare sign, or a name with one: only with nothing typed, since much begins so
    r"^[\w.-]{0,80}(?P<sign>#)\s*$|^\$\s*$",
    # programs: mysql>
    r"^[\w.-]{1,80}(?: \[[^\]]{1,40}\])?>\s*$",
)
#: what ends one
LEFT = re.compile(r"[#$%>] *(?:exit|logout)\s*$")
