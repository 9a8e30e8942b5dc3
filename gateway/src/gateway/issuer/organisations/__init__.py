"""Organisations and their memberships in areas of responsibility (AoRs)."""
