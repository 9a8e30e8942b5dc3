"""Backup and restore of the embedded stack: sealed, verified when written, and with a separate key store."""
