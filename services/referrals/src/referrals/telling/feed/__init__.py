"""Everything that concerns an organisation since a cursor, complete and in order."""
