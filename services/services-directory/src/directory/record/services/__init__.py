"""Services for their editors and readers: entering, judging, changing, looking up."""
