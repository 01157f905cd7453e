"""The demonstration: an embedded site, a chat and the bot, as separate processes on loopback.

Only `bot.cli` imports this package.  It starts the bot and `bot.lab`, it never imports them.
"""
