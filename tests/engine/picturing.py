"""What the tests of pictures share: a picture that is no real one, and consoles that are kept."""

from __future__ import annotations

import pytest

from bot.core.chat import Picture, Post, PostKind
from bot.core.screen import Screen
from bot.devices.console import ConsoleLog
from tests.engine.alive import EPOCH
from tests.engine.scene import Scene
from tests.fakes import ROOM, FakeChat, Said

LOGIN = "Debian GNU/Linux 12 vm hvc0\n\nvm login: "


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The captions of what was drawn, which are the pictures themselves here."""
    captions: list[str] = []

    def draw(screen: Screen, name: str, caption: str) -> Picture:
        captions.append(caption)
        return Picture(name, "\n".join([caption, *screen.lines]).encode())

    monkeypatch.setattr("bot.engine.pictures.draw", draw)
    return captions


def logged(scene: Scene, text: str = LOGIN) -> None:
    """Let both hosts keep a log of vm's console."""
    for side in (scene.fy, scene.fz):
        side.xen.kept["vm"] = ConsoleLog(text, EPOCH)


def moves_when_started(scene: Scene) -> None:
    """Let the guest be on fz as soon as the command was taken."""
    started = scene.fy.launcher.start

    async def start(name: str, words: tuple[str, ...]) -> None:
        await started(name, words)
        scene.moves()

    vars(scene.fy.launcher)["start"] = start


def pictures(chat: FakeChat) -> list[Said]:
    """The pictures that stand in the room now."""
    return [said for said in chat.said(ROOM) if said.post.picture is not None]


def removals(chat: FakeChat) -> list[Post]:
    """What the bot asked the room to take back, as often as it did."""
    return [post for post in chat.attempts if post.kind is PostKind.REMOVAL]
