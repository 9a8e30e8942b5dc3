"""Accounts: people who sign in, client systems, and their organisations."""
