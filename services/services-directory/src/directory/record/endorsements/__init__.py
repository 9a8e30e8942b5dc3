"""Endorsements: an area of responsibility's coordination stands behind a service."""
