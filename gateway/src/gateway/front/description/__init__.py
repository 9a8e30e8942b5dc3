"""One description of all services, with short names of operations."""
