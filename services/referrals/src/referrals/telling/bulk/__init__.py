"""A batch of commands of a client that was offline: each its own transaction and its own answer."""
