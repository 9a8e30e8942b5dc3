"""What may be a safe house, and who has looked."""
