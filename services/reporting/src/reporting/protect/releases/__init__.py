"""Protected releases, and the rules that make it safe to publish them."""
