"""The watches, one file each, found by being there; like commands they know `bot.api` alone."""
