"""Turns form-tool submissions into screenings and cases, or quarantines them with the reasons."""
