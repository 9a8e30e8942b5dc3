"""An append-only record of acts and readings, chained by hashes and anchored outside the database."""
