"""The last entry for each restriction, and the list of them that leaves the machine."""
