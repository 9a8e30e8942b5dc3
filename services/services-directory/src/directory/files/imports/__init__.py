"""Imports services from files: reads any supported format, maps each row, and reports changes with their reasons."""
