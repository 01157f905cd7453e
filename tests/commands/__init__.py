"""The chat commands, typed by persons of several roles."""
