"""The pure heart, module by module."""
