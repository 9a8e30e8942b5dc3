"""What the rules ask of an organisation: listed, and said to be done."""
