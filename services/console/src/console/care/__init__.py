"""Care of a case: its plan, given help, reviews."""
