"""What each organisation is told: ids and kinds, no name, no type of service or agency."""
