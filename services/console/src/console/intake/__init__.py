"""Unreadable submissions from other form tools, and the mapping of their fields."""
