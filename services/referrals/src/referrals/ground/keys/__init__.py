"""One key per case, wrapped, in a store apart from the cases; destroying it erases the person."""
