"""External tools that check the API description, and the running stack against it."""
