"""The template for translators holds every sentence that the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOL = ROOT / "tools" / "messages.py"


def test_the_template_for_translators_is_current() -> None:
    checked = subprocess.run(
        [sys.executable, TOOL, "--check"], capture_output=True, text=True, timeout=50
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_docstrings_that_people_see_are_in_the_template() -> None:
    template = (ROOT / "bot" / "locale" / "nounou.pot").read_text(encoding="utf-8")

    assert 'msgid "You are not allowed to do that."' in template
    assert 'msgid "Move a running DomU to another Dom0, live."' in template
