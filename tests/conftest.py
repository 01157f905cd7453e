"""What holds for every test: examples have no deadline, and skipped tests are spoken of."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that nothing was skipped where ``-rs`` has nothing to say."""
    if not terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("nothing was skipped")
