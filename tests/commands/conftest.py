"""Fixtures of the commands' tests: the whole engine, as in `tests.engine`."""

from tests.engine.conftest import bot, place, pytest_asyncio_loop_factories

__all__ = ["bot", "place", "pytest_asyncio_loop_factories"]
