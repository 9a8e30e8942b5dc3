"""An append-only record of actions and reads, hash-chained and anchored outside the database."""
