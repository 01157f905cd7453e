"""The array's command line, in the P2000 G3 dialect (reference A; nothing here was recorded)."""
