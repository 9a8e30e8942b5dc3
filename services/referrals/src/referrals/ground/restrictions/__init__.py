"""The last entry for each restriction, and the list of these entries that is kept off the host."""
