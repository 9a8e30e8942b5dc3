"""Rebuilding the projection from the event history, beside the one that goes on answering."""
