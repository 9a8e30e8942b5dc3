"""Two workers send many emergencies at once while relay, gateway and workers fail. Everybody is notified once. A real
browser shows what a push service delivers to it."""
