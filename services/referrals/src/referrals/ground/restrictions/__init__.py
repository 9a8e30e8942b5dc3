"""The last word on what is restricted, and the list of it that leaves the machine."""
