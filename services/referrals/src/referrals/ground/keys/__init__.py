"""One wrapped key per case, stored separately from the cases; destroying the key erases the person."""
