"""The tasks that the rules assign to an organisation: listed, and marked as done."""
