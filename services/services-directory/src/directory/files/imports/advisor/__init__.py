"""Features of the Services Advisor."""
