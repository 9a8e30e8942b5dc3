"""Turns events into facts, counters and activities. Every capability writes its own, all in one transaction."""
