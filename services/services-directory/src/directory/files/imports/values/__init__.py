"""Reads single values from cells: texts and numbers, opening hours, places."""
