"""Turns events into facts, counters and activities. Each capability writes its own, all in one transaction."""
