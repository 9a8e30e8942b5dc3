"""Every row of the attack table."""
