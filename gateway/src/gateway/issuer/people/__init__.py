"""People who sign in: passwords, second factors, authorization codes."""
