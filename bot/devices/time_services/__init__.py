"""Time services, one file each."""
