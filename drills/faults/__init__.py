"""Real processes are killed, stopped and cut off while a mixed load runs; then everything is counted."""
