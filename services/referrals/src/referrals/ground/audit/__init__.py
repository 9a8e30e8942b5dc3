"""An append-only record of who did and read what, chained by hashes and anchored outside."""
