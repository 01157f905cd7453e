"""Fixtures of the device tests."""

from tests.devices.shell import shell

__all__ = ["shell"]
