"""Calls partners' systems when something concerns them. Calls contain only ids, are signed, and are retried for
days."""
