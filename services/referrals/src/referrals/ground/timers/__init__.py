"""A referral's deadlines and the steps after them, durable in PostgreSQL."""
