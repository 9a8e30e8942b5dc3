"""What every record has in common: its ids, its life, its history, what a write answers."""
