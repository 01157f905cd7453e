"""What a guest does with what is typed, and the two kinds of systems of the recordings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Mode(Enum):
    """Who reads what is typed."""

    #: nobody; nothing is echoed either
    SILENT = "silent"
    LOGIN = "login"
    PASSWORD = "password"  # noqa: S105 - what is asked for, no secret
    SHELL = "shell"
    #: systemd or sulogin asks for root's password
    MAINTENANCE = "maintenance"
    #: the shell of the initramfs
    INITRAMFS = "initramfs"
    #: e2fsck asks, and takes one key
    FSCK = "fsck"
    #: a boot loader's menu
    MENU = "menu"
    #: a program asks yes or no
    QUESTION = "question"
    #: a line discipline with no reader: what is typed is echoed, and that is all
    ECHO = "echo"

    @property
    def echoes(self) -> bool:
        """Whether letters are shown as they are typed."""
        return self in {Mode.LOGIN, Mode.SHELL, Mode.INITRAMFS, Mode.QUESTION, Mode.ECHO}


@dataclass(frozen=True)
class Flavour:
    """A kind of system; ``@NAME@`` stands for the guest's name, ``@USER@`` for who is logged in."""

    banner: str
    #: what Enter at the login prompt prints, and what follows a name
    again: str
    named: str
    #: after a right password, and after a wrong one
    welcome: str
    wrong: str
    #: root's prompt, and that of others
    prompt: str
    prompt_of_others: str
    #: what follows a line that was entered, and what says that there is no such command
    entered: str
    unknown: str
    logout: str
    interrupted: str


#: Debian 12 with systemd, agetty and bash (87); `wrong`, `unknown` and `interrupted` not recorded
DEBIAN = Flavour(
    banner="\r\r\nDebian GNU/Linux 12 @NAME@ hvc0\r\n\r\n@NAME@ login: ",
    again="\r\r\n@NAME@ login: ",
    named="\r\r\nPassword: ",
    welcome="\r\nLinux @NAME@ 6.1.0-56-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16) "
    "x86_64\r\n\r\n"
    "The programs included with the Debian GNU/Linux system are free software;\r\n"
    "the exact distribution terms for each program are described in the\r\n"
    "individual files in /usr/share/doc/*/copyright.\r\n\r\n"
    "Debian GNU/Linux comes with ABSOLUTELY NO WARRANTY, to the extent\r\n"
    "permitted by applicable law.\r\n",
    wrong="\r\n\r\nLogin incorrect\r\n@NAME@ login: ",
    prompt="\x1b[?2004h@USER@@@NAME@:~# ",
    prompt_of_others="\x1b[?2004h@USER@@@NAME@:~$ ",
    entered="\r\n\x1b[?2004l\r",
    unknown="-bash: {word}: command not found\r\n",
    logout="logout\r\n\r\r\nDebian GNU/Linux 12 @NAME@ hvc0\r\n\r\n@NAME@ login: ",
    interrupted="^C\x1b[?2004l\r\x1b[?2004h\x1b[?2004l\r\r\n",
)
#: busybox: getty, login and ash (85, 86, 91); `unknown` and `interrupted` not recorded
BUSYBOX = Flavour(
    banner="\r\r\nDebian GNU/Linux 12 @NAME@ hvc0\r\n\r\r\n\r@NAME@ login: ",
    again="\r\r\nDebian GNU/Linux 12 @NAME@ hvc0\r\n\r\r\n\r@NAME@ login: ",
    named="\r\nPassword: ",
    welcome="\r\nlogin[1309]: root login on 'hvc0'\r\r\n\r\n\r\n"
    "BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) built-in shell (ash)\r\n"
    "Enter 'help' for a list of built-in commands.\r\n\r\n",
    wrong="\r\nLogin incorrect\r\nlogin[1325]: invalid password for 'root' on 'hvc0'\r\r\n"
    "@NAME@ login: ",
    prompt="~ # \x1b[6n",
    prompt_of_others="~ $ \x1b[6n",
    entered="\r\n",
    unknown="-sh: {word}: not found\r\n",
    logout="\r\r\nDebian GNU/Linux 12 @NAME@ hvc0\r\n\r\r\n\r@NAME@ login: ",
    interrupted="^C\r\n",
)
