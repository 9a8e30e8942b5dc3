"""Calls partners' systems when something concerns them: only ids, signed, retried for days."""
