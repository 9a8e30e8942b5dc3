"""Rebuilds the projection from the event history, while the live one continues to answer."""
