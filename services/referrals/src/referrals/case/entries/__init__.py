"""The record of a case: notes, comments, risk, incidents, family, dates and pictures, each a kind of one sealed entry."""
