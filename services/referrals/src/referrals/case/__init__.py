"""Cases and consent: a person's record, what the person allows, and who holds the case.

Contents: cases (record, retention, erasure), consents (grants, withdrawal, exceptions), transfers to another
organisation.

It does not know referrals, screenings or the line; they follow its happenings.
Begin with `consents/decision.py`: the one decision that every movement of data asks.
"""
