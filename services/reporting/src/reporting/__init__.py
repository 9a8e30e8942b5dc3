"""Aggregated reporting: facts from events, protected releases, bulletins, exports."""
