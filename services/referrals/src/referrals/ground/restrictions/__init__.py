"""The last entry for each restriction, and the list kept off the host of these entries."""
