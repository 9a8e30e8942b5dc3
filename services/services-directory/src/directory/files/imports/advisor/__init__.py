"""Imports of GeoJSON from the Services Advisor."""
