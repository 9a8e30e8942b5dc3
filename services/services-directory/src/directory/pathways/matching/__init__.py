"""Finds the services that fit a person's need: reads, judges and ranks them."""
