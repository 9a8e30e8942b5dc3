"""Protected releases: what leaves the house, and the rules that make it safe to let it leave."""
