"""Decisions by a second person: best-interest consents, exceptions, emergency access."""
