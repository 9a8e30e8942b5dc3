"""Long random stories on all paths."""
