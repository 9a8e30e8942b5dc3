"""Coordinators' decisions about directory entries, endorsements and risk messages."""
