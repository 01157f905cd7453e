"""``python -m bot`` is `nounou`."""

from bot.cli import main

main()
