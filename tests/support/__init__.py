"""Helpers of several test folders: principals with real tokens, databases, reference data."""
