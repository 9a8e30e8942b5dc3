"""Stored pathways: drafts, versions, and the version in force in each area."""
