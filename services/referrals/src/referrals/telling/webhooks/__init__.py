"""Calls partners' systems when something concerns them: ids only, signed, retried for days."""
