"""Responsibility for a case: correct it, give it to a colleague, hand it over, close it, erase it."""
