"""Stacks that tests stop, restart, back up and restore."""
