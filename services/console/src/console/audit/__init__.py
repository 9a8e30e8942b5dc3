"""The audit record: who did and read what, and whether the record is intact."""
