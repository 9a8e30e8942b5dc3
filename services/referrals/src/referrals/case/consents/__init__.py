"""What a person agrees to share, with whom and for what purpose; and the narrow exceptions."""
