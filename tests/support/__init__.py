"""What several test folders share: principals with real tokens, databases, reference data."""
