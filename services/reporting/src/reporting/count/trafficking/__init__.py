"""Trafficking statistics: people identified or assisted, by HTCDS codes and routes."""
