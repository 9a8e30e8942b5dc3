"""Decisions of a coordinator in the directory: entries, endorsements, risk messages."""
