"""Publishers of ids: finds the entries of a file's rows, and entries that the file lacks."""
