"""Deadlines of a referral and what happens when nobody answers; durable in PostgreSQL."""
