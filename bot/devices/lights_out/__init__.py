"""Lights-out processors, one file each, found by being here."""
