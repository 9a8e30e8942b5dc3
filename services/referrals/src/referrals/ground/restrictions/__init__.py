"""The last word on each restriction, and the list of them that leaves the machine."""
