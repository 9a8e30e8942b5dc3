"""The API descriptions as clients were told them, and what of it a change would take away."""
