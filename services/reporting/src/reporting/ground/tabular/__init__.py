"""Exported tables and their file formats."""
