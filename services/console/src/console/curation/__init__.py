"""Coordinators' decisions in the directory: entries, endorsements, risk messages."""
