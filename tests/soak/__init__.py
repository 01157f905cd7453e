"""Tests that last for long: everything goes on while a part of it fails again and again."""
