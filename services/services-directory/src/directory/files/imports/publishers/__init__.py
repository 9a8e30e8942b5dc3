"""Publishers of ids: finds the entries for a file's rows, and the entries that the file lacks."""
