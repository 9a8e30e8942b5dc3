"""Combines the services' API descriptions into one, with short operation ids."""
