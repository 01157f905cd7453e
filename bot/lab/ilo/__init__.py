"""The lights-out processors of the hosts: HP's iLO, two generations of it."""
