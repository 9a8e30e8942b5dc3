"""Imports services from files: reads any of the formats, maps each row, reports changes and their reasons."""
