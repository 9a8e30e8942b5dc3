"""Backup and restore of the embedded stack: sealed, verified on write, the key store apart."""
