"""Devices as the bot sees them: value types and small ABCs here, one file a model below.

`bot.devices.ssh` and `bot.devices.telnet` are leaves that only `bot.app` imports; drivers know
`Session`, never a wire library, never one another.
"""
