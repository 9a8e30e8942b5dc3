"""Deadlines of a referral and the steps after them; durable in PostgreSQL."""
