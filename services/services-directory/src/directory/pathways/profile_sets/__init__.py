"""Profiles of fictitious people, which an AoR stores to test its drafts."""
