"""Finds the services that fit a person's need: it reads, judges and ranks them."""
