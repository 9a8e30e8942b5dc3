"""Curation: entries whose verification expires, duplicates, merges, and reminders to organisations. It changes entries
through `record` and sends its own e-mails, which mention nothing hidden. Begin with `sweep.py` (expired entries) and
`service.py`."""
