"""Rebuilds the projection from the event history, while the live projection continues to serve requests."""
