"""What the person agreed to share, with whom, for what; and the narrow exceptions to it."""
