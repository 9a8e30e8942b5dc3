"""Reads single values from cells: texts, numbers, opening hours, places."""
