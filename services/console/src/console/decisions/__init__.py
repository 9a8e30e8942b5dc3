"""Decisions by a second person: consents in best interest, exceptions, emergency access."""
