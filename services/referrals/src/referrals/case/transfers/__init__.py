"""Handing over the responsibility for a case: offered, then accepted, declined or recalled."""
