"""Trainings, and who is certified to conclude a screening until when."""
