"""How fast and how faithfully the bot answers, beside clients that do nothing else."""
