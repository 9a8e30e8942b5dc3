"""Stacks that are stopped, restarted, backed up and restored."""
