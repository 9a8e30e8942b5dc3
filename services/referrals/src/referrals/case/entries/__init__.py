"""The case record: notes, comments, risk, incidents, family, dates and pictures, each in its own sealed entry."""
