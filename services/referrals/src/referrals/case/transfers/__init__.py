"""Transfers of responsibility for a case: offered, then accepted, declined or recalled."""
