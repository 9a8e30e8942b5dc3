"""Long random stories on all roads."""
