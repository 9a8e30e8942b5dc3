"""Services for their editors and readers: entering, reviewing, changing, looking up."""
