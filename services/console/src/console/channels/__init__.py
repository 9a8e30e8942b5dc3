"""Channels that tell a person that something waits, but never what or about whom."""
