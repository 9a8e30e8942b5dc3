"""Publishers of ids: finds the entries for a file's rows, and entries that the file lacks."""
