"""Cases and consent: a person's record, the consents they give, and the organisation that holds the case.

Contents: cases (record, retention, erasure), consents (grants, withdrawal, exceptions), transfers to another
organisation. This package does not know referrals, screenings or the line; they subscribe to its domain events. Begin
with `consents/decision.py`: the one decision behind every movement of data.
"""
