"""The visitor's open tasks, most urgent first."""
