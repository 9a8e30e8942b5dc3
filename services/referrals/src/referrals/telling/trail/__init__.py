"""Reads the audit: for auditors all of it, for an organisation its own part."""
