"""Xen toolstacks, one file each, found by being here."""
