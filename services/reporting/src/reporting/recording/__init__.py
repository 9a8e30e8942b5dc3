"""From events to facts, counters and activities: every capability keeps its own, in one transaction."""
