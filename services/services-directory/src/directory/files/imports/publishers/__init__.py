"""Publishers of ids: the entries that a file's rows stand for, and those that are missing from it."""
