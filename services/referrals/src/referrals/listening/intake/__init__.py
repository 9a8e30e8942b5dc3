"""Submissions of form tools become screenings, or wait in quarantine with the reasons why not."""
