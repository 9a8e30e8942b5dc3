"""Import of services from a file: a trial run first, then the real import, with a result for each row."""
