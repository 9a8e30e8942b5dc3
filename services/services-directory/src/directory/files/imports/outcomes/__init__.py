"""The outcome of each row and of each value, and the report of the import."""
