"""What the front must no longer believe."""
