"""Tests of the device layer: drivers on recordings, wires on real servers."""
