"""Endorsements: the coordination of an area of responsibility vouches for a service."""
