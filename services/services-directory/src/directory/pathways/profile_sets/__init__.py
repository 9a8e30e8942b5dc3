"""Profiles of people who do not exist, kept by an AoR to try its drafts with."""
