"""Responsibility for a case: correct, assign, hand over, close, erase."""
