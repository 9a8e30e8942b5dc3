"""Closing a period, waiting for who contributed, publishing."""
