"""Care of a case: its plan, the help that was given, its reviews."""
