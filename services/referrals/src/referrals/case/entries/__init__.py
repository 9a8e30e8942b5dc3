"""The record of a case: notes, comments, risk, incidents, family, dates and pictures, each one sealed entry."""
