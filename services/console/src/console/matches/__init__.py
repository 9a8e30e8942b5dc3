"""Possible matches with another organisation's cases; the person is asked first."""
