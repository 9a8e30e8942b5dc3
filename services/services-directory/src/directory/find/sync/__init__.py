"""Lets a partner keep a copy: one consistent snapshot, then only changes."""
