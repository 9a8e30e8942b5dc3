"""Stacks that are stopped, started again, backed up and restored."""
