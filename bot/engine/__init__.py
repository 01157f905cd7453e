"""Commands, run: asyncio around the core.  Only `bot.api`, `bot.params` and `bot.app` import it."""
