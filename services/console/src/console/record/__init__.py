"""The record of a case: notes, risk, incidents, family, dates, pictures."""
