"""The tasks that the rules give an organisation: listed, and marked as done."""
