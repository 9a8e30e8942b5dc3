"""Machine clients: who they are, what they may do, their secrets."""
