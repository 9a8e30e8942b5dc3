"""Channels that tell a person that something is waiting, but never what it is or whom it concerns."""
