"""A site of which nothing exists but the file that says where it listens; run as a program."""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--state", type=Path, required=True)
parser.add_argument("--fault", action="append", default=[], choices=["hang", "die"])
words = parser.parse_args()
words.state.mkdir(parents=True)
new = words.state / "site.new"
new.write_text(json.dumps({"hosts": {}, "arrays": {}, "guests": {}, "pid": os.getpid()}))
new.rename(words.state / "site.json")
if "die" not in words.fault:
    signal.pause()
