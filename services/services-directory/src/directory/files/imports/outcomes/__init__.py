"""The outcome of each row: as mapped, with notes; the outcome of each value; the report of all."""
