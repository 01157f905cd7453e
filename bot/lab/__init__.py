"""The embedded site: Xen hosts, an array and guests; one world behind real or in-memory wires.

Only tests import this package; the demo starts it as a process of its own (``python -m bot.lab``).
"""
