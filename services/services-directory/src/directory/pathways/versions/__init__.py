"""Pathways as they are kept: drafts, versions, and which one is in force where."""
