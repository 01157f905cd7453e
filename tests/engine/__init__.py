"""The engine, with its real store and the lab in memory for a world."""
