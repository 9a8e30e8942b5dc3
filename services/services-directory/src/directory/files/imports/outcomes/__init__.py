"""What became of each row: as mapped, with notes; what became of each value; all of it in a report."""
