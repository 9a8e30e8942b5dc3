"""A batch of commands from a client that was offline; each has its own transaction and answer."""
