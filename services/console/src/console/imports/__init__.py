"""Imports services from a file: first as a trial, then for real, with a result for each row."""
