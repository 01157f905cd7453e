"""The command line of a device behind an ssh shell: one prompt, one call at a time."""
