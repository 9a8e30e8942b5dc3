"""Who calls: tokens, the keys that verify them, and what was withdrawn."""
