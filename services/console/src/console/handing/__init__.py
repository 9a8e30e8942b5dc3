"""Responsibility for a case: correct, assign, transfer, close, erase."""
