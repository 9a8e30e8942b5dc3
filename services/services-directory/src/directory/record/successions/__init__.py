"""Who takes over from an organisation that ends, becomes part of another or gives work away: decided by two people."""
