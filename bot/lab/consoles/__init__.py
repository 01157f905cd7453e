"""The guests' consoles: what Xen's daemon keeps of each, and the guests that print there."""
