"""Accounts: people who sign in, systems that connect, and their organisations."""
