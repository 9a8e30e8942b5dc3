"""An attacker on what reporting publishes: how far its numbers agree, and what they give away."""
