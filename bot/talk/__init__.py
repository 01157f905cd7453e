"""What a person at a terminal needs to talk with the bot: what was said, and `nounou chat`."""
