"""People who sign in: passwords, second factor, authorization codes."""
