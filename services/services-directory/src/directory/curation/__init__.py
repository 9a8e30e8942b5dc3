"""Curation: entries whose verification runs out, duplicates, merges, and reminders to their owners.

It works on entries through `record` and tells owners by its own mails, which name nothing hidden.
Begin with `sweep.py` (what is due) and `service.py`.
"""
