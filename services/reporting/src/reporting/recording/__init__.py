"""Turns events into facts, counters and activities; every capability writes its own, in one transaction."""
