"""Reads the audit: auditors see all of it, an organisation sees its own part."""
