"""The clocks of hosts and guests: how they run, what keeps them right, and how they lie."""
