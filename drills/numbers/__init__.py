"""An attacker on published numbers: how well the numbers agree, and what they reveal."""
