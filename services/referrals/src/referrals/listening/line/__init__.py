"""The anonymous line: reports without an account; only a receipt opens a report again."""
