"""Closing a period, collecting sign-offs, publishing."""
