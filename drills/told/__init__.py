"""Two workers tell many emergencies at once, while relay, gateway and workers fail: each is told, and once."""
