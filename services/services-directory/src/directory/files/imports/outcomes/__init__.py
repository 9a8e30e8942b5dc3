"""The outcome of each row and each value, and the import report."""
