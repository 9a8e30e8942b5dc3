"""The description of this directory for readers of its API."""
