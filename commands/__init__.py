"""The chat commands.  Every module of this package is loaded at start."""
