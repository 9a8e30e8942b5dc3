"""Taking back what was published by mistake: two people, a reason in both languages, a public tombstone."""
