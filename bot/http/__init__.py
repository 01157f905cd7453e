"""What other programs reach the bot by: they send alerts, and ask for figures."""
