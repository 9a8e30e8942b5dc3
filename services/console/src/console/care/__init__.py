"""What a case needs and got: its plan, what was given, its reviews."""
