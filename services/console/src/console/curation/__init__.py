"""What a coordinator decides in the directory: entries, endorsements, risk messages."""
