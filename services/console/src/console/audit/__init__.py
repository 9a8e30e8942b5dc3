"""The audit record: who did or read what, and whether the record is intact."""
