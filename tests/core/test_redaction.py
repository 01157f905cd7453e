"""What nobody may read is nowhere on the screen, and everything else stays where it was."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.console import Condition, examine
from bot.core.redaction import BLOCK, DEFAULTS, blacked_out
from bot.core.screen import Piece, Screen, Style
from bot.screen.terminal import replay

PATTERNS = tuple(map(re.compile, DEFAULTS))
RECORDINGS = Path(__file__).parents[1] / "data" / "xen-4.17"
KEY = "\r\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 4)


def everything(screen: Screen) -> str:
    pieces = "".join(piece.text for row in screen.rows for piece in row)
    return "".join([*screen.before, *screen.lines, pieces, *screen.printed])


def hidden(text: str) -> Screen:
    return blacked_out(replay(text), PATTERNS)


@pytest.mark.parametrize(
    "line",
    [
        "The root password is {}",
        "the password is now {} for all",
        "password: {}",
        "Password:{}",
        "New password for root: {}",
        "New password for user root: {}",
        "Generated password: {}",
        "The initial password of admin was set to {}",
        "passphrase: {}",
        "mot de passe : {}",
        '{{"user": "root", "password": "{}"}}',
        "MYSQL_ROOT_PASSWORD={}",
        'node.session.auth.password = "{}"',
        "passwd={}",
        "curl http://fy/?token={}",
        "API token: {}",
        "useradd --password {} bob",
        "root@vm:~# echo root:{} | chpasswd",
        "root@vm:~# mysql -u root -p{} wiki",
        "Authorization: Bearer {}",
        "authorization: {}",
        "Cloning https://bob:{}@git.example.org/x.git",
        "smtp://:{}@mail",
        "login: password: {}[   12.345678] eth0: link up",
    ],
)
def test_a_secret_is_blacked_out_wherever_it_is_told(line: str) -> None:
    screen = hidden(f"before\r\n{line.format('hunter2X')}\r\nafter")

    assert "hunter" not in everything(screen)
    assert "X" not in everything(screen)
    assert BLOCK * 8 in everything(screen)
    assert screen.lines[0] == "before"
    assert screen.lines[2] == "after"


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_abcdefghijklmnopqrst0123456789",
        "syt_bm91bm91_abcdefghijklmnop_012345",
        "$6$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789",
        "$y$j9T$abcdefghijkl$abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_what_says_itself_that_it_is_secret_is_blacked_out(secret: str) -> None:
    screen = hidden(f"root:{secret}:19000:0")

    assert secret[8:] not in everything(screen)
    assert screen.lines[0].startswith("root:█")


@pytest.mark.parametrize(
    "text",
    [
        f"-----BEGIN RSA PRIVATE KEY-----\r\n{KEY}\r\nAbc=\r\n-----END RSA PRIVATE KEY-----\r\n",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\r\n{KEY}\r\nMIIE",
        f"-----BEGIN PRIVATE KEY-----\r\n{KEY[:40]}",
        f"{KEY}\r\nMIIE=\r\n-----END PRIVATE KEY-----\r\n",
        f"-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\n{KEY}\r\n",
    ],
)
def test_a_private_key_is_blacked_out_even_where_a_part_of_it_is_not_seen(text: str) -> None:
    screen = hidden(f"here:\r\n{text}")

    assert "MII" not in everything(screen)
    assert screen.lines[0] == "here:"


def test_a_key_that_scrolled_off_is_blacked_out_there_too() -> None:
    screen = hidden(f"-----BEGIN PRIVATE KEY-----\r\n{KEY}\r\n" + "x\r\n" * 24 + "vm login: ")

    assert any(BLOCK in line for line in screen.before)
    assert "MII" not in everything(screen)
    assert examine(screen)[0].condition is Condition.LOGIN


@pytest.mark.parametrize(
    "line",
    [
        "Password: ",
        "Password:",
        "Enter new password: ",
        "[sudo] password for bob: ",
        "login[1325]: invalid password for 'root' on 'hvc0'",
        "Give root password for maintenance",
        "BAD PASSWORD: The password is shorter than 8 characters",
        "The password is incorrect.",
        "passwd: password updated successfully",
        "sshd[12]: Failed password for root from 10.0.0.1 port 22 ssh2",
        "Starting systemd-ask-password-console.service - Dispatch Password Requests...",
        "Your password has expired. Choose a new password.",
        "Password: [   12.345678] eth0: link up",
        "vm login: ",
        "http://fy:8080/a@b",
    ],
)
def test_what_tells_no_secret_stays(line: str) -> None:
    screen = replay(f"{line}\r\nLogin incorrect\r\n")

    assert blacked_out(screen, PATTERNS) == screen


@pytest.mark.parametrize("name", ["42-", "85-", "86-", "87-", "91-", "shadow-pv-console"])
def test_nothing_of_the_recordings_is_secret(name: str) -> None:
    [path] = RECORDINGS.glob(f"{name}*.json")
    screen = replay(json.loads(path.read_text(encoding="utf-8"))["stdout"])

    assert blacked_out(screen, PATTERNS) == screen


@given(st.integers(0, 200), st.integers(0, 60), st.sampled_from([20, 80]))
def test_a_secret_is_blacked_out_wherever_a_row_ends_and_whether_it_scrolled_off(
    lead: int, rows_after: int, columns: int
) -> None:
    text = "." * lead + " password is hunter2X" + "\r\n-" * rows_after
    screen = replay(text, columns=columns)
    black = blacked_out(screen, PATTERNS)

    assert "hunter2X" in "".join(screen.printed)
    assert not set("huntX2") & set(everything(black).replace("password is", ""))
    assert [len(line) for line in black.lines] == [len(line) for line in screen.lines]
    assert [len(line) for line in black.before] == [len(line) for line in screen.before]
    # one more where the row is just full, and so may go on in the next
    assert "".join(black.printed).count(BLOCK) in (8, 9)


def test_only_the_groups_are_blacked_out_in_their_own_styles() -> None:
    red = Style(foreground="red")
    screen = Screen(((Piece("key ab"), Piece("cd", red), Piece(" on", red)),))

    black = blacked_out(screen, [re.compile(r"key (\w+)")])

    assert black.rows == ((Piece("key ██"), Piece("██", red), Piece(" on", red)),)


def test_a_pattern_without_groups_or_whose_groups_match_nothing_hides_all_of_it() -> None:
    screen = Screen(((Piece("the key abc"),),))

    assert blacked_out(screen, [re.compile("key")]).lines == ("the ███ abc",)
    assert blacked_out(screen, [re.compile("key(x)?")]).lines == ("the ███ abc",)


def test_the_ends_of_each_line_can_be_named() -> None:
    screen = Screen(((Piece("one"),), (Piece("two"),)))

    assert blacked_out(screen, [re.compile("^t.*$")]).lines == ("one", "███")


def test_a_wide_sign_takes_two_blocks() -> None:
    screen = Screen(((Piece("key 日本 on"),),))

    assert blacked_out(screen, [re.compile(r"key (\S+)")]).lines == ("key ████ on",)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [
        "password ",
        "password for a b ",
        "password: ",
        "a",
        "A" * 64 + "\r\n",
        "x://",
        "x://a:",
        "-----BEGIN PRIVATE KEY-----\r\n",
        "mysql -",
        "$6$",
        " ",
        "token=",
        "bearer a",
        "\t",
        "authorization: a ",
        "root:a",
        '"',
        "password is ",
    ],
)
def test_the_defaults_take_no_longer_than_they_should(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    rows = [text[at : at + 80] for at in range(0, len(text), 80)]

    for pieces in (rows, text.splitlines()):
        screen = Screen(tuple((Piece(row),) for row in pieces))
        assert len(blacked_out(screen, PATTERNS).lines) == len(pieces)


@given(st.text(max_size=300), st.integers(1, 90))
def test_whatever_is_printed_keeps_its_place(text: str, columns: int) -> None:
    screen = replay(text, columns=columns)
    black = blacked_out(screen, PATTERNS)

    assert len(black.rows) == len(screen.rows)
    assert black.cursor == screen.cursor
    assert black.wrapped == screen.wrapped


def test_a_key_that_is_followed_by_nothing_but_blanks_costs_no_time() -> None:
    """A guest that prints that must not stop the bot: it took 17 seconds for as much as this."""
    text = "-----BEGIN RSA PRIVATE KEY-----" + " " * 300_000
    pattern = next(each for each in map(re.compile, DEFAULTS) if r"\s*+" in each.pattern)

    assert pattern.search(text) is None
