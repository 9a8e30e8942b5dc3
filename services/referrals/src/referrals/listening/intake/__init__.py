"""Turns submissions of form tools into screenings and cases, or quarantines them with the reasons."""
