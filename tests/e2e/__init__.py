"""The bot against a real homeserver, and whole processes."""
