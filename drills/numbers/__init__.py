"""An attacker on published numbers: how far they agree, and what they reveal."""
