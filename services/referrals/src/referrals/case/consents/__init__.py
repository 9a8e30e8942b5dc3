"""What a person agrees to share, with whom and for what purpose. Also contains the narrow exceptions."""
