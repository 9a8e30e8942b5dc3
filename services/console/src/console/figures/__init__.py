"""Published figures: with what each may be, as a chart and as a table."""
