"""Trafficking statistics: people identified or assisted, by HTCDS code and route."""
