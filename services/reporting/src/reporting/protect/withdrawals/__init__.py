"""Withdrawals of mistaken publications: two people, a reason in both languages, a public tombstone."""
