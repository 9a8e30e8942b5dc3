"""Trainings, and the certificates for concluding screenings, with their expiry."""
