"""Profiles of fictitious people that an AoR stores to test its drafts."""
