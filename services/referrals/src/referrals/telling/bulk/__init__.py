"""A batch of commands from a client that was offline; each command has its own transaction and response."""
