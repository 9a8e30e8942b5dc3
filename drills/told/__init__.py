"""Two workers tell a thousand emergencies at once, while relay, gateway and workers fail: each is told, and once."""
