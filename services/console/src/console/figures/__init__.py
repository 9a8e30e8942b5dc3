"""Published figures with their intervals, as charts and tables."""
