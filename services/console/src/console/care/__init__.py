"""Care for a person: the case plan, help given, reviews."""
