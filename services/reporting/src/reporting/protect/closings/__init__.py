"""Closing, signing off and publishing all programmes of a period together, one job each."""
