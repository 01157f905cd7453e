"""A Matrix chat-ops bot for storage arrays and Xen hosts."""

__version__ = "0.1.0"
