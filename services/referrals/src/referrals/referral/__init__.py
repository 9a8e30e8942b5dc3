"""Referrals between organisations: drafting, sending, answering, escalating.

Contents: referrals with their lifecycle, escalations, links by which a recipient without an account answers, FHIR.

It does not know who is told or how: it writes notices, and the wing `telling` passes them on.
Begin with `referrals/lifecycle.py` (which state follows which) and `referrals/drafts.py` (the use case).
"""
