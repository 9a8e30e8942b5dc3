"""The record of who changed which identity."""
