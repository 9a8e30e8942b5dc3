"""Submissions of other form tools that could not be read, and the mapping of their fields."""
