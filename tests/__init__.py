"""Tests; each folder mirrors the package that it tests."""
