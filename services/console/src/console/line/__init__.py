"""The anonymous line's desk, and reports handed over to organisations."""
