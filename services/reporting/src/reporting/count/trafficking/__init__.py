"""Trafficking statistics: who was identified or assisted, by HTCDS codes, and along which routes."""
