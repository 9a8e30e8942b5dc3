"""Protected releases, and the rules that make them safe to publish."""
