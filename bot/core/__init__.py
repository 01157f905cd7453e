"""The pure heart: no asyncio, no I/O, no third party.  Everybody may import it."""
